/* What the cases have in common: where things are, and how a program is run. */
import { execFile } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { promisify } from "node:util";

export const root = resolve(import.meta.dirname, "../..");
export const modules = join(import.meta.dirname, "node_modules");

/** The version of a tool, or undefined where npm could not install it for this machine. */
export function versionOf(tool) {
  const file = join(modules, tool, "package.json");
  return existsSync(file) ? JSON.parse(readFileSync(file, "utf8")).version : undefined;
}

/** The version that package.json asks for. */
export function pinned(tool) {
  const { dependencies, optionalDependencies } = JSON.parse(
    readFileSync(join(import.meta.dirname, "package.json"), "utf8"),
  );
  return { ...dependencies, ...optionalDependencies }[tool].replace(/^npm:.*@/, "");
}

/** A command that npm installed. Four versions of Node are there, of which it links none. */
export const bin = (name) => (/^node\d+$/.test(name) ? join(modules, name, "bin/node") : join(modules, ".bin", name));

const start = promisify(execFile);

/** What programs see; as it was before a bundler in this process has added to it. */
export const environment = {
  ...process.env,
  NO_COLOR: "1",
  NEXT_TELEMETRY_DISABLED: "1",
  DENO_NO_UPDATE_CHECK: "1",
  NODE_OPTIONS: "",
};

/** Everything that a program says. @throws Error with what it said, where it fails, or hangs for fifteen minutes */
export async function execute(command, args, cwd) {
  try {
    const { stdout, stderr } = await start(command, args, {
      cwd,
      env: environment,
      timeout: 900_000,
      maxBuffer: 2 ** 26,
    });
    return stdout + stderr;
  } catch (error) {
    throw new Error([error.message, error.stdout].join("\n"));
  }
}
