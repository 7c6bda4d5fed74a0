import { readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { LrpError, type Mention } from "../../src/base/error.ts";
import { errorText } from "../../src/cli/errors.ts";
import { html } from "../../src/base/html.ts";
import { columns, jsonLine } from "../../src/cli/layout.ts";
import { writeNpy } from "../../src/read/npy.ts";
import { run } from "../../src/cli/run.ts";
import { inOwnWords } from "../../src/cli/words.ts";
import { chain, onnx } from "../onnx-writer.ts";
import { tensor } from "../random.ts";

const MODEL = "demo/digits.onnx";
const THREE = "demo/three.png";

let folder = "";
const at = (name: string) => join(folder, name);
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "relprop-"));
});
afterAll(() => rm(folder, { recursive: true }));

async function relprop(...words: string[]) {
  const [out, err]: string[][] = [[], []];
  const code = await run(words, { out: (text) => out.push(text), err: (text) => err.push(text), columns: 80 });
  return { code, out: out.join(""), err: err.join("") };
}

describe("what the library says is said in the command line's words", () => {
  test("options by their names here, and those that it has not as they are", () => {
    expect(inOwnWords("option 'target' and option 'relaxed' of load")).toBe(
      "option '--target' and option 'relaxed' of load",
    );
    expect(inOwnWords("option 'maxPixels'; inspect() lists them, sampleOf() too")).toBe(
      "option '--max-pixels'; 'relprop inspect --full' lists them, sampleOf() too",
    );
    expect(inOwnWords('it stops; unknown: "gradient" passes it, type: "Relu" not')).toBe(
      'it stops; --unknown gradient passes it, type: "Relu" not',
    );
  });

  test("what an error mentions otherwise, in every part of it", () => {
    const mentions: Mention[] = [
      { text: 'unknown: "gradient"', option: "unknown", value: "gradient" },
      { text: "maxPixels", option: "maxPixels" },
      { text: "relaxed", option: "relaxed" },
    ];
    expect(inOwnWords("low is below high", [{ text: "low", option: "low" }])).toBe("--low is below high");
    const texts = ['unknown: "gradient"', "maxPixels", "relaxed", 'maxPixels, unknown: "gradient"'] as const;
    const [where, expected, received, fix] = texts;
    expect(errorText(new LrpError("usage", { where, expected, received, fix, mentions }))).toBe(
      "relprop: --unknown gradient: expected --max-pixels, got relaxed. --max-pixels, --unknown gradient\n",
    );
  });

  const layer = chain(["n", 1, 28, 28], [{ type: "Sin" }, { type: "Flatten" }], 17);
  const sum = onnx({
    nodes: [
      { type: "Relu", inputs: ["x"], outputs: ["p"] },
      { type: "Add", inputs: ["x", "p"], outputs: ["s"] },
      { type: "Flatten", inputs: ["s"], outputs: ["y"] },
    ],
    inputs: { x: ["n", 1, 28, 28] },
    outputs: { y: [] },
  });
  const places = onnx({
    nodes: [{ type: "Conv", inputs: ["x", "w"], outputs: ["y"] }],
    initializers: { w: tensor([2, 1, 3, 3], 5) },
    inputs: { x: ["n", 1, 28, 28] },
    outputs: { y: [] },
  });
  const digit = async () => {
    await writeFile(at("x.npy"), writeNpy({ data: new Float32Array(784).fill(0.5), dims: [1, 1, 28, 28] }));
    return at("x.npy");
  };
  const model = async (name: string, bytes: Uint8Array) => {
    await writeFile(at(name), bytes);
    return at(name);
  };

  test.each<[string, () => Promise<string[]>, RegExp]>([
    [
      "a node without a rule",
      async () => ["explain", await model("layer.onnx", layer), await digit()],
      /--unknown gradient passes relevance through it by its gradient/,
    ],
    [
      "a parameter whose value goes with another",
      async () => ["explain", await model("sum.onnx", sum), await digit(), "--delta", "0.2"],
      /^relprop: option '--delta': it is read only beside --sum clip, not beside --sum norm\.$/m,
    ],
    [
      "parameters that are missing",
      async () => ["explain", MODEL, THREE, "--composite", "epsilonGammaBox"],
      /it needs the options --low and --high\./,
    ],
    [
      "a parameter of another composite",
      async () => ["explain", MODEL, THREE, "--gamma", "1"],
      /^relprop: option '--gamma': /,
    ],
    ["a class out of range", async () => ["explain", MODEL, THREE, "--target", "10"], /^relprop: option '--target': /],
    [
      "an unknown value",
      async () => ["explain", MODEL, THREE, "--at", "x1"],
      /option '--at'.*'relprop inspect --full' lists/,
    ],
    [
      "a picture of too many pixels",
      async () => ["explain", MODEL, THREE, "--max-pixels", "783"],
      /expected at most 783 pixels, got 28 x 28\. Make it smaller, or raise --max-pixels\./,
    ],
    [
      "more work than is allowed",
      async () => ["explain", MODEL, THREE, "--max-work", "1000"],
      /more than the 1000 of --max-work\. Load with a larger --max-work, or use a smaller input\./,
    ],
    [
      "a class alone, where there are places",
      async () => ["explain", await model("places.onnx", places), await digit(), "--target", "0"],
      /Say where: --position y,x; --area all, whose area may be a mask or a box too; or --index c,y,x\./,
    ],
    [
      "another shape",
      async () => ["explain", MODEL, await model("s.npy", writeNpy({ data: new Float32Array(9), dims: [1, 1, 3, 3] }))],
      /--preset makes an input of that shape from a picture/,
    ],
  ])("%s", async (_, words, message) => {
    const { code, err } = await relprop(...(await words()));
    expect(code).toBe(2);
    expect(err).toMatch(message);
    expect(err).not.toMatch(/option '[a-z]|\w\(\)|: "/);
  });
});

describe("names from files steer nothing", () => {
  /** Clears the screen, sets a title, an 8-bit CSI, overwrites its line, and turns the direction of writing. */
  const EVIL = "\x1b[2J\x1b]0;x\x07\x9b31m\r\n\u202egnp.exe\u2028";
  const STEERS = /[^\P{Cc}\n]|[\u2028-\u202e\u2066-\u2069]/u;
  const evil = async () => {
    await writeFile(at("evil.onnx"), readFileSync(MODEL));
    const classes = Array.from({ length: 10 }, (_, i) => `${EVIL}${i}`);
    await writeFile(at("evil.relprop.json"), JSON.stringify({ preprocess: "unit", classes }));
    return at("evil.onnx");
  };

  test.each([
    ["explain", THREE],
    ["explain", THREE, "--json"],
    ["explain", THREE, "--target", `${EVIL}3`],
    ["explain", THREE, "--target", "none of them"],
    ["explain", THREE, "--at", EVIL],
    ["predict", THREE],
    ["predict", THREE, "--json"],
  ])("class names: %s", async (command, ...words) => {
    const { out, err } = await relprop(command, await evil(), ...words);
    expect(out + err).toContain("gnp.exe");
    expect(out + err).not.toMatch(STEERS);
  });

  test("JSON says them as they are", async () => {
    const { out } = await relprop("predict", await evil(), THREE, "--json");
    expect(JSON.parse(out).scores[0].name).toBe(`${EVIL}3`);
    expect(jsonLine({ a: "\x7f\x85é" })).toBe('{"a":"\\u007f\\u0085é"}\n');
  });

  test("names of nodes, values, inputs and outputs", async () => {
    const [x, y, node] = ["x", "y", "node"].map((name) => `${name}${EVIL}`);
    const bytes = onnx({
      nodes: [
        { type: "Relu", inputs: [x], outputs: ["p"], name: node },
        { type: "Flatten", inputs: ["p"], outputs: [y] },
      ],
      inputs: { [x]: ["n", 1, 28, 28] },
      outputs: { [y]: [] },
    });
    await writeFile(at("names.onnx"), bytes);
    await writeFile(at("n.npy"), writeNpy({ data: new Float32Array(784).fill(0.5), dims: [1, 1, 28, 28] }));
    for (const words of [
      ["inspect"],
      ["inspect", "--full"],
      ["inspect", "--json"],
      ["explain"],
      ["explain", "--json"],
      ["predict"],
    ]) {
      const [command, ...more] = words;
      const input = command === "inspect" ? [] : [at("n.npy")];
      const { code, out, err } = await relprop(command, at("names.onnx"), ...input, ...more);
      expect({ code, err }).toEqual({ code: 0, err: "" });
      expect(out).not.toMatch(STEERS);
    }
    expect((await relprop("inspect", at("names.onnx"), "--full")).out).toMatch(/^y.* \[1, 784\]\n {2}route +Flatten$/m);
  });

  test("names of files", async () => {
    const name = `a${EVIL}.onnx`;
    await writeFile(at(name), readFileSync(MODEL));
    const found = await relprop("explain", at(name), THREE, "--preset", "unit");
    const missing = await relprop("explain", at(`${EVIL}.onnx`), THREE);
    expect([found.code, missing.code]).toEqual([0, 2]);
    for (const text of [found.out, missing.err]) expect(text).not.toMatch(STEERS);
  });

  test("tables and pages", () => {
    expect(columns([[EVIL, "1"]])).not.toMatch(STEERS);
    expect(html`<td title="${EVIL}">${[EVIL]}</td>`.text).not.toMatch(STEERS);
  });
});
