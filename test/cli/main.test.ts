import { spawn } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";

const MAIN = "dist/cli/main.js";

/** @param interrupt when it first says something on stderr */
function relprop(
  words: string[],
  { close = false, interrupt = false } = {},
): Promise<{ code: number | null; out: string; err: string }> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [MAIN, ...words]);
    let [out, err] = ["", ""];
    child.stdout.on("data", (data) => {
      out += data;
      if (close) child.stdout.destroy();
    });
    child.stderr.on("data", (data) => {
      if (interrupt && err === "") child.kill("SIGINT");
      err += data;
    });
    child.on("close", (code) => resolve({ code, out, err }));
  });
}

describe("the built program", () => {
  test("helps", async () => {
    const { code, out, err } = await relprop(["--help"]);
    expect({ code, err }).toEqual({ code: 0, err: "" });
    expect(out).toContain("relprop help explain");
  });

  test("ends with 2 on a foreseen error", async () => {
    expect(await relprop(["explain", "none.onnx", "x.npy"])).toEqual({
      code: 2,
      out: "",
      err: "relprop: file 'none.onnx': it does not exist.\n",
    });
  });

  test("writes all of its JSON into a pipe", async () => {
    const { code, out, err } = await relprop(["explain", "demo/digits.onnx", "demo/three.png", "--json"]);
    expect({ code, err }).toEqual({ code: 0, err: "" });
    expect(JSON.parse(out).className).toBe("three");
  });

  test("does not mind a pipe that closes early", async () => {
    const { code, err } = await relprop(["inspect", "demo/digits.onnx", "--json"], { close: true });
    expect({ code, err }).toEqual({ code: 0, err: "" });
  });

  describe("Ctrl-C ends it with 130, and says what is kept", () => {
    const LONG = "smoothGrad:samples=1000000";

    test("of one explanation", async () => {
      const words = ["explain", "demo/digits.onnx", "demo/three.png", "--method", "smoothGrad", "--samples", "1000000"];
      const { code, out, err } = await relprop(words, { interrupt: true });
      expect({ code, out }).toEqual({ code: 130, out: "" });
      expect(err).toMatch(
        /^relprop: 1000000 runs of the network will take about \d+ \w+\n(.*\n)*relprop: interrupted\. No file was written\.\n$/,
      );
    });

    test("of an evaluation", async () => {
      const folder = mkdtempSync(join(tmpdir(), "relprop-"));
      try {
        const [data, report] = [join(folder, "data"), join(folder, "report")];
        mkdirSync(data);
        for (const name of ["a.png", "b.png"]) copyFileSync("demo/three.png", join(data, name));
        const words = ["evaluate", "demo/digits.onnx", data, "--methods", LONG, "--metrics", "gini", "--out", report];
        const { code, out, err } = await relprop(words, { interrupt: true });
        expect({ code, out }).toEqual({ code: 130, out: "" });
        expect(err).toMatch(/^relprop: 2 images will take about \d+ \w+\n/);
        expect(err).toContain(`relprop: interrupted. 0 of 2 images are kept in '${report}'; the same line goes on`);
      } finally {
        rmSync(folder, { recursive: true });
      }
    });
  });
});
