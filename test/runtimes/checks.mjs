/*
 * What is asked of the package itself. A check gets the tarball, what npm said of it and a folder where it is
 * installed, and returns its finding.
 */
import { copyFileSync, cpSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import jpeg from "jpeg-js";
import { writeOnnx } from "../../bench/onnx-writer.mjs";
import { bin, execute, modules, root } from "./tools.mjs";

const unless = (problems, finding) => {
  if (problems.length) throw new Error(problems.join("\n"));
  return finding;
};

/** What belongs into the package: neither tests, nor sources, nor maps, nor what an earlier build left. */
const WANTED =
  /^(package\.json|README\.md|CHANGELOG\.md|NOTICES\.md|LICENSE|demo\/(digits\.onnx|digits\.relprop\.json|three\.png)|dist\/(.+\.d\.c?ts|.+\.c?js|(core|core-relaxed|jpeg-turbo|webp)\.wasm))$/;

function contents({ packed: { files, size, unpackedSize } }) {
  const stray = files.map(({ path }) => path).filter((path) => !WANTED.test(path));
  const code = files
    .filter(({ path }) => /\.(js|ts)$/.test(path))
    .map(({ path }) => [path, readFileSync(join(root, path), "utf8")]);
  const mapped = code.filter(([, text]) => /sourceMappingURL/.test(text)).map(([path]) => path);
  const chunks = code.map(([path]) => path).filter((path) => /chunk-/.test(path));
  const left = chunks.filter((path) => !code.some(([, text]) => text.includes(basename(path))));
  const kB = (bytes) => `${Math.round(bytes / 1000)} kB`;
  const say = (paths, text) => paths.map((path) => `${path} ${text}`);
  const problems = [
    ...say(stray, "does not belong there"),
    ...say(mapped, "names a map"),
    ...say(left, "is imported by nothing: npm run build"),
  ];
  return unless(problems, `${files.length} files, ${kB(size)}, unpacked ${kB(unpackedSize)}`);
}

/** Parcel reads no `exports` unless it is told to. */
function mainFields() {
  const { main, types, exports } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  const entry = exports["."];
  return unless(
    main === entry.default && types === entry.types ? [] : ["main and types differ from the entry"],
    "are those of the entry",
  );
}

async function publint({ tarball, folder }) {
  const said = await execute(bin("publint"), ["--strict", tarball], folder);
  return unless(/All good/.test(said) ? [] : [said], "all good");
}

async function typesWrong({ tarball, folder }) {
  const said = await execute(bin("attw"), [tarball, "--exclude-entrypoints", "core.wasm", "core-relaxed.wasm"], folder);
  return unless(/\(ESM\)/.test(said) ? [] : [said], "clean");
}

const moduleOf = { bundler: "esnext", nodenext: "nodenext", node10: "commonjs" };

async function consumer({ folder }, typescript, moduleResolution, ...files) {
  const module = moduleOf[moduleResolution];
  const strict = { strict: true, noEmit: true, skipLibCheck: false, target: "es2022", lib: ["es2022"], types: [] };
  const project = join(folder, `${moduleResolution}.json`);
  writeFileSync(project, JSON.stringify({ compilerOptions: { ...strict, module, moduleResolution }, files }));
  await execute(process.execPath, [join(modules, typescript, "bin/tsc"), "-p", project], folder);
  return "compiles";
}

/** Jest's default is require(), which it can of ES modules from Node 24.9 on, where it is told to. */
async function jest({ folder }) {
  const run = (node, ...args) =>
    execute(bin(node), [...args.slice(0, -1), join(modules, "jest/bin/jest.js"), args.at(-1)], join(folder, "jest"));
  const refused = await run("node20", "require").catch((error) => error.message);
  await run("node20", "--experimental-vm-modules", "import");
  await run("node24", "--experimental-vm-modules", "require");
  return unless(
    /In Jest: set NODE_OPTIONS=--experimental-vm-modules/.test(refused) ? [] : [refused],
    "told what to do",
  );
}

const EXTERNAL = ["*.wasm", "*.wasm?module", "node:*"];

/** What the core does without. */
const GLOBALS = [
  "eval",
  "Function",
  "location",
  "document",
  "window",
  "navigator",
  "process",
  "Buffer",
  "require",
  "fetch",
  "XMLHttpRequest",
];

/**
 * Bundles a module and finds what it must not hold: esbuild replaces names that are bound nowhere, and knows what is
 * imported and when.
 */
async function forbiddenIn(folder, entry) {
  const { build } = await import("esbuild");
  const define = Object.fromEntries(GLOBALS.map((name) => [name, `FORBIDDEN_${name}`]));
  const options = {
    absWorkingDir: folder,
    entryPoints: [entry],
    bundle: true,
    write: false,
    format: "esm",
    metafile: true,
    logLevel: "silent",
  };
  const { outputFiles, metafile } = await build({ ...options, outfile: "out.js", define, external: EXTERNAL });
  const names = [...outputFiles[0].text.matchAll(/FORBIDDEN_(\w+)/g)].map(([, name]) => name);
  const imports = Object.values(metafile.inputs).flatMap((file) => file.imports);
  const late = imports.filter(({ kind }) => kind !== "import-statement").map(({ kind, path }) => `${kind} of ${path}`);
  const node = imports.filter(({ path }) => path.startsWith("node:")).map(({ path }) => path);
  const waits = await build({
    ...options,
    outfile: "out.js",
    external: EXTERNAL,
    supported: { "top-level-await": false },
  }).then(
    () => [],
    (error) => [error.message],
  );
  return [...new Set([...names, ...late, ...node, ...waits])];
}

async function core({ folder }) {
  const entries = ["index", "slim", "workerd", "edge-light", "image", "image-workerd", "image-edge-light"];
  const found = await Promise.all(entries.map((name) => forbiddenIn(folder, `node_modules/relprop/dist/${name}.js`)));
  const problems = found.flatMap((list, i) => list.map((item) => `${entries[i]}.js: ${item}`));
  const canary = await forbiddenIn(folder, "forbidden.mjs");
  if (canary.length < 8) problems.push(`the check is blind: of 8 things it finds ${canary.join(", ")}`);
  return unless(problems, `none of ${GLOBALS.length} globals; no dynamic import, no top-level await`);
}

async function quiet({ folder }) {
  await execute(process.execPath, ["quiet.mjs"], folder);
  return "nothing is compiled, validated or scheduled";
}

async function commandLine({ folder }) {
  const file = join(folder, "heat.png");
  const demo = (name) => join(root, "demo", name);
  await execute(
    join(folder, "node_modules/.bin/relprop"),
    ["explain", demo("digits.onnx"), demo("three.png"), "--out", file],
    folder,
  );
  return unless(statSync(file).size > 100 ? [] : ["no picture"], "writes a picture");
}

/**
 * A small network of coloured pictures, and a photo of its size; a network of texts, its tokenizer and what reads that:
 * what a reader of the README has.
 */
async function ofTheReader(folder) {
  const random = (count, scale) => Float32Array.from({ length: count }, (_, i) => scale * Math.sin(i * i + 1));
  const nodes = [
    { type: "Conv", name: "conv", inputs: ["x", "w1"], attributes: { strides: [8, 8], kernel_shape: [8, 8] } },
    { type: "Relu", name: "relu", inputs: ["conv"] },
    { type: "GlobalAveragePool", name: "mean", inputs: ["relu"] },
    { type: "Flatten", name: "flat", inputs: ["mean"] },
    { type: "Gemm", name: "y", inputs: ["flat", "w2"] },
  ];
  const tensors = [
    { name: "w1", dims: [4, 3, 8, 8], data: random(4 * 3 * 64, 0.1) },
    { name: "w2", dims: [4, 5], data: random(20, 1) },
  ];
  const [input, output] = [
    { name: "x", dims: ["n", 3, 224, 224] },
    { name: "y", dims: ["n", 5] },
  ];
  writeFileSync(join(folder, "model.onnx"), writeOnnx({ nodes, tensors, input, output }));
  const [width, height] = [320, 256];
  const data = Buffer.from(Uint8Array.from({ length: 4 * width * height }, (_, i) => (i >> 4) ^ (i >> 11)));
  writeFileSync(join(folder, "photo.jpg"), jpeg.encode({ width, height, data }, 90).data);
  const text = (name) => join(root, "demo/text", name);
  copyFileSync(text("sentiment.onnx"), join(folder, "bert.onnx"));
  copyFileSync(text("tokenizer.json"), join(folder, "tokenizer.json"));
  // What the line with --text says that it needs.
  const peer = "node_modules/@huggingface/tokenizers";
  cpSync(join(root, peer), join(folder, peer), { recursive: true });
}

/** The packed README, as a reader would try it who has nothing else: its programs, and its command lines. */
async function readme({ folder }) {
  const text = readFileSync(join(folder, "node_modules/relprop/README.md"), "utf8");
  await ofTheReader(folder);
  const pieces = [...text.matchAll(/^```(\w+)\n([\s\S]*?)^```/gm)].map(([, language, code]) => ({ language, code }));
  const programs = pieces.filter(({ language }) => language === "ts");
  const problems = [];
  for (const [i, { code }] of programs.entries()) {
    const file = `readme${i}.mjs`;
    // As it stands: a reader need not have TypeScript, nor a newer Node.
    writeFileSync(join(folder, file), code);
    const said = await execute(bin("node20"), [file], folder);
    const wanted = [...code.matchAll(/\/\/ → (.*)$/gm)].map(([, line]) => line.trimEnd()).join("\n");
    if (said.trimEnd() !== wanted) problems.push(`a program of the README says\n${said}instead of\n${wanted}`);
  }
  const lines = pieces
    .filter(({ language }) => language === "sh")
    .flatMap(({ code }) => code.trim().split("\n"))
    .map((line) =>
      line
        .replace(/ +#.*/, "")
        .match(/"[^"]*"|\S+/g)
        .map((word) => word.replaceAll('"', "")),
    );
  // The first has installed the package already, from the tarball.
  const [install, ...commands] = lines;
  if (install.join(" ") !== "npm install relprop") problems.push(`the README begins with ${install.join(" ")}`);
  for (const [command, ...args] of commands) await execute(command, args, folder);
  const pictures = ["three.heatmap.png", "heat.png", "heat.html"].filter(
    (name) => !(statSync(join(folder, name)).size > 1000),
  );
  problems.push(...pictures.map((name) => `${name} is no picture`));
  return unless(problems, `${programs.length} programs and ${commands.length} commands do what it says`);
}

const NEEDS =
  "relprop/queue: it needs the packages bullmq and ioredis, and they are not both installed. " +
  "Install them beside relprop: npm install bullmq ioredis";

/** Packages that only some need are not there: whoever needs them is told how to install them. */
async function withoutPeers({ folder }) {
  const problems = [];
  for (const node of ["node20", "node22", "node24", "node26"]) {
    const said = await execute(bin(node), ["queue.mjs"], folder);
    if (said !== `LrpError: ${NEEDS}\n`.repeat(4)) problems.push(`in ${node}, relprop/queue says\n${said}`);
  }
  for (const name of ["sentiment.onnx", "tokenizer.json"])
    copyFileSync(join(root, "demo/text", name), join(folder, name));
  writeFileSync(join(folder, "sentiment.relprop.json"), JSON.stringify({ tokenizer: "tokenizer.json" }));
  const commands = {
    "work redis://127.0.0.1": NEEDS,
    "queue list redis://127.0.0.1": NEEDS,
    "serve sentiment.onnx --port 0": "npm install @huggingface/tokenizers",
  };
  for (const [line, wanted] of Object.entries(commands)) {
    const command = execute(join(folder, "node_modules/.bin/relprop"), line.split(" "), folder);
    const said = await command.then(
      () => "it ends well",
      (error) => error.message,
    );
    if (!said.replaceAll(/\s+/g, " ").includes(wanted)) problems.push(`relprop ${line} says\n${said}`);
  }
  return unless(problems, "each of them is named, with the command that installs it");
}

export const checks = [
  { check: "what is packed", run: contents },
  { check: "main and types", run: mainFields },
  { check: "publint --strict", tool: "publint", run: publint },
  { check: "attw", tool: "@arethetypeswrong/cli", run: typesWrong },
  {
    check: "types, nodenext, lib es2022",
    tool: "typescript",
    run: (given) => consumer(given, "typescript", "nodenext", "consumer.ts", "common.cts"),
  },
  {
    check: "types, bundler, lib es2022",
    tool: "typescript",
    run: (given) => consumer(given, "typescript", "bundler", "consumer.ts"),
  },
  {
    check: "types, node10, lib es2022",
    tool: "typescript5",
    run: (given) => consumer(given, "typescript5", "node10", "consumer.ts"),
  },
  { check: "Jest", tool: "jest", run: jest },
  { check: "what the core does without", tool: "esbuild", run: core },
  { check: "what happens on import", run: quiet },
  { check: "npx relprop", run: commandLine },
  { check: "packages that only some need", tool: "node26", run: withoutPeers },
  { check: "what the README shows", tool: "node20", run: readme },
];
