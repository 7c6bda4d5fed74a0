import { spawn } from "node:child_process";
import { mkdir, readFile } from "node:fs/promises";
import { dirname, resolve as resolved } from "node:path";
import { fileURLToPath } from "node:url";

const main = fileURLToPath(new URL("../../dist/cli/main.js", import.meta.url));

/**
 * Runs `relprop evaluate`, which leaves out the images that are in the folder already.
 *
 * @param options as the command line has them, without the dashes; a list is joined by commas
 * @param cwd from where the paths are
 * @returns results.json
 */
export async function evaluate(model, data, out, options, cwd = ".") {
  const words = Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)]);
  await mkdir(resolved(cwd, dirname(out)), { recursive: true });
  await new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [main, "evaluate", model, data, ...words, "--out", out], {
      cwd,
      stdio: ["ignore", "inherit", "inherit"],
    });
    child.on("error", reject);
    child.on("exit", (code) =>
      code === 0 ? resolve() : reject(new Error(`relprop evaluate ${model} into ${out} ended with ${code}`)),
    );
  });
  return JSON.parse(await readFile(resolved(cwd, out, "results.json"), "utf8"));
}
