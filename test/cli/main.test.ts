import { spawn } from "node:child_process";
import { describe, expect, test } from "vitest";

const MAIN = "dist/cli/main.js";

function relprop(words: string[], close = false): Promise<{ code: number | null; out: string; err: string }> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [MAIN, ...words]);
    let [out, err] = ["", ""];
    child.stdout.on("data", (data) => {
      out += data;
      if (close) child.stdout.destroy();
    });
    child.stderr.on("data", (data) => {
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
      err: "relprop: file 'none.onnx': expected an ONNX model, got nothing there.\n",
    });
  });

  test("writes all of its JSON into a pipe", async () => {
    const { code, out, err } = await relprop(["explain", "demo/digits.onnx", "demo/three.png", "--json"]);
    expect({ code, err }).toEqual({ code: 0, err: "" });
    expect(JSON.parse(out).className).toBe("three");
  });

  test("does not mind a pipe that closes early", async () => {
    const { code, err } = await relprop(["inspect", "demo/digits.onnx", "--json"], true);
    expect({ code, err }).toEqual({ code: 0, err: "" });
  });
});
