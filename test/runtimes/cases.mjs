/*
 * Every way in which the packed package is used. A case runs in a folder that holds apps/ and node_modules/relprop, and
 * returns what the app said for each of its entries. `best` is the binary that each gets if it does not ask for the
 * plain one: relaxed, unless said.
 */
import { spawn } from "node:child_process";
import { copyFileSync, mkdirSync, readdirSync, readFileSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { bin, environment, execute, modules, pinned } from "./tools.mjs";

const apps = {
  relprop: "import.mjs",
  "require relprop": "require.cjs",
  explainAsync: "async.mjs",
  "relprop/slim": "slim.mjs",
  "relprop/threads": "threads.mjs",
  "relprop/pool": "pool.mjs",
  "relprop/evaluate": "evaluate.mjs",
  "relprop/image": "image.mjs",
  "relprop/service": "service.mjs",
};

const runtimes = [
  ...[20, 22, 24, 26].map((major) => ({
    runtime: "Node",
    tool: `node${major}`,
    args: ["--disallow-code-generation-from-strings"],
    best: major < 22 ? ["simd"] : undefined,
  })),
  // Without permissions: it may read no file, open no connection and see no environment variable. Slim's app reads the
  // binary itself.
  { runtime: "Deno", tool: "deno", args: ["run", "--no-prompt"], more: { "slim.mjs": ["--allow-read"] } },
  { runtime: "Bun", tool: "bun", args: [] },
];

const direct = runtimes.flatMap(({ runtime, tool, args, best, more = {} }) =>
  Object.entries(apps).map(([entry, app]) => ({
    runtime,
    tool,
    entries: [entry],
    best,
    run: async (folder) => [await execute(bin(tool), [...args, ...(more[app] ?? []), app], folder)],
  })),
);

const bundlers = {
  async vite(folder, out) {
    const { build } = await import("vite");
    const rollupOptions = { input: join(folder, "import.mjs"), output: { entryFileNames: "app.mjs" } };
    // The polyfill is for pages: it asks for `document`.
    const options = { outDir: out, emptyOutDir: false, modulePreload: { polyfill: false }, rollupOptions };
    await build({ root: folder, configFile: false, logLevel: "error", build: options });
  },
  async webpack(folder, out) {
    const { default: webpack } = await import("webpack");
    // As a module: a script asks the document where it is from.
    const options = {
      mode: "production",
      target: ["web", "es2022"],
      context: folder,
      entry: "./import.mjs",
      experiments: { outputModule: true },
      output: { path: out, filename: "app.mjs", module: true },
    };
    const stats = await new Promise((resolve, reject) =>
      webpack(options, (error, done) => (error ? reject(error) : resolve(done))),
    );
    if (stats.hasErrors()) throw new Error(stats.toString("errors-only"));
  },
  async esbuild(folder, out) {
    const { build } = await import("esbuild");
    const options = {
      absWorkingDir: folder,
      entryPoints: ["import.mjs"],
      outfile: join(out, "app.mjs"),
      logLevel: "silent",
    };
    await build({ ...options, bundle: true, format: "esm", platform: "browser" });
  },
  async rollup(folder, out) {
    const [{ rollup }, { nodeResolve }] = await Promise.all([import("rollup"), import("@rollup/plugin-node-resolve")]);
    const bundle = await rollup({ input: join(folder, "import.mjs"), plugins: [nodeResolve({ browser: true })] });
    await bundle.write({ file: join(out, "app.mjs"), format: "es" });
  },
};

/** Runs a bundle away from node_modules, and without what only Node has. */
async function runBundle(out) {
  for (const file of readdirSync(out, { recursive: true }).filter((name) => /js$/.test(name))) {
    // A worker may be one of Node's, which is asked for without an import.
    if (/(?<!getBuiltinModule\?\.\()["'`]node:/.test(readFileSync(join(out, file), "utf8")))
      throw new Error(`${file} names a module of Node`);
  }
  return execute(bin("node24"), ["app.mjs"], out);
}

const bundled = Object.entries(bundlers).map(([tool, bundle]) => ({
  runtime: tool === "vite" ? "Vite, build" : tool,
  tool,
  needs: ["node24"],
  entries: ["relprop"],
  async run(folder) {
    const out = `${folder}-out`;
    mkdirSync(out);
    await bundle(folder, out);
    return [await runBundle(out)];
  },
}));

/** Deno imports over HTTP, as a browser does: it runs what the server sends, and optimised, as it sends it. */
const viteDev = {
  runtime: "Vite, dev",
  tool: "vite",
  needs: ["deno"],
  entries: ["relprop"],
  async run(folder) {
    const { createServer } = await import("vite");
    const server = await createServer({
      root: folder,
      configFile: false,
      logLevel: "error",
      server: { host: "127.0.0.1", port: 0, ws: false },
    });
    try {
      await server.listen();
      const { port } = server.httpServer.address();
      const address = `127.0.0.1:${port}`;
      return [
        await execute(
          bin("deno"),
          ["run", "--no-prompt", "--no-config", `--allow-import=${address}`, `http://${address}/import.mjs`],
          folder,
        ),
      ];
    } finally {
      await server.close();
    }
  },
};

/**
 * Bundled as wrangler does: by esbuild, with the condition, and with the binaries beside the code. `workerd test`
 * compiles no bytes either.
 */
const workerd = {
  runtime: "workerd",
  tool: "workerd",
  entries: ["relprop (workerd)", "relprop/evaluate (workerd)", "relprop/image (workerd)"],
  async run(folder) {
    const { build } = await import("esbuild");
    const [out, loader] = [join(folder, "out"), { ".wasm": "copy" }];
    const options = {
      absWorkingDir: folder,
      outfile: join(out, "worker.js"),
      loader,
      assetNames: "[name]",
      conditions: ["workerd"],
    };
    const said = [];
    const programs = { "worker.mjs": "worker", "worker-evaluate.mjs": "worker", "worker-image.mjs": "worker-image" };
    for (const [entry, config] of Object.entries(programs)) {
      await build({ ...options, entryPoints: [entry], bundle: true, format: "esm", logLevel: "silent" });
      copyFileSync(join(folder, `${config}.capnp`), join(out, "worker.capnp"));
      said.push(await execute(bin("workerd"), ["test", "worker.capnp"], out));
    }
    return said;
  },
};

const bodyOf = async (url) => (await fetch(url)).text();

/** The address that Next's server prints before it is ready. */
const addressOf = (server) =>
  new Promise((resolve, reject) => {
    let said = "";
    server.stdout.on("data", (text) => {
      said += text;
      const [address] = said.match(/http:\/\/127\.0\.0\.1:\d+(?=[\s\S]*Ready in)/) ?? [];
      if (address) resolve(address);
    });
    server.on("exit", () => reject(new Error(`it does not serve:\n${said}`)));
  });

/**
 * A real build by Turbopack: what it makes of the condition and of `?module` is Next's own, and nothing smaller has it.
 */
const next = {
  runtime: "Next",
  tool: "next",
  needs: ["node24"],
  entries: ["relprop (edge-light)", "relprop (runtime nodejs)", "relprop/image (edge-light)"],
  best: ["simd", "relaxed", "simd"],
  async run(folder) {
    for (const name of ["next", "react", "react-dom"])
      symlinkSync(join(modules, name), join(folder, "node_modules", name));
    const site = join(folder, "next");
    for (const file of ["report.mjs", "demo.mjs"]) copyFileSync(join(folder, file), join(site, file));
    const program = join(modules, "next/dist/bin/next");
    await execute(bin("node24"), [program, "build"], site);
    const args = [program, "start", "--port", "0", "--hostname", "127.0.0.1"];
    const server = spawn(bin("node24"), args, { cwd: site, env: environment, stdio: ["ignore", "pipe", "inherit"] });
    try {
      const address = await addressOf(server);
      return await Promise.all(["edge", "nodejs", "edge-image"].map((path) => bodyOf(`${address}/${path}`)));
    } finally {
      server.kill();
    }
  },
};

export const cases = [...direct, workerd, next, viteDev, ...bundled];

/** For the README: what is imported where, and which binary that gets. */
export function summary() {
  const rows = new Map();
  for (const { runtime, tool, entries, best = [] } of cases) {
    for (const [i, entry] of entries.entries()) {
      const key = [runtime, pinned(tool), best[i] ?? "relaxed"];
      rows.set(key.join(), [...(rows.get(key.join()) ?? key), `\`${entry}\``]);
    }
  }
  return [...rows.values()].map(([runtime, version, binary, ...imports]) => [
    runtime,
    version,
    imports.join(", "),
    binary,
  ]);
}
