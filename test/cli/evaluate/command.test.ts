import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { writeNpy } from "../../../src/read/npy.ts";
import { onnx } from "../../onnx-writer.ts";
import { numbers } from "../../random.ts";

const MAIN = "dist/cli/main.js";

const dir = mkdtempSync(join(tmpdir(), "relprop-"));
const at = (name: string) => join(dir, name);
const IMAGES = 12;

/** Runs the program, under flags of Node. */
function relprop(words: string[], ...flags: string[]): Promise<{ code: number | null; out: string; err: string }> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [...flags, MAIN, ...words]);
    let [out, err] = ["", ""];
    child.stdout.on("data", (data) => {
      out += data;
    });
    child.stderr.on("data", (data) => {
      err += data;
    });
    // How far it is depends on the time.
    const said = () => err.replace(/^relprop: (\d+ of \d+ images, .* (left|so far)|.* will take about .*)\n/gm, "");
    child.on("close", (code) => resolve({ code, out, err: said() }));
  });
}

/**
 * Ends the program, without warning, when so many images are done and the next one is written but has not got its name.
 */
const killAfter = (images: number) => {
  const code = `import { promises } from "node:fs"; import { syncBuiltinESMExports } from "node:module";
const { rename } = promises; let parts = 0;
promises.rename = async (from, to) => {
  if (/parts.\\d+\\.json$/.test(to) && ++parts > ${images}) process.kill(process.pid, "SIGKILL");
  await rename(from, to);
};
syncBuiltinESMExports();`;
  return `--import=data:text/javascript,${encodeURIComponent(code)}`;
};

/** Every file below a folder, with its bytes. */
function contentsOf(out: string): Record<string, string> {
  const files = readdirSync(out, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return Object.fromEntries(
    files.map(({ parentPath, name }) => [
      join(parentPath, name).slice(out.length),
      readFileSync(join(parentPath, name), "base64"),
    ]),
  );
}

const idx = (magic: number, sizes: number[], values: Iterable<number>) => {
  const header = new DataView(new ArrayBuffer(4 + 4 * sizes.length));
  for (const [i, word] of [magic, ...sizes].entries()) header.setUint32(4 * i, word);
  return Buffer.concat([new Uint8Array(header.buffer), Uint8Array.from(values)]);
};

const given = (out: string, ...more: string[]) => [
  ...[
    "evaluate",
    "demo/digits.onnx",
    at("t-images-idx3-ubyte"),
    "--preset",
    "unit",
    "--methods",
    "epsilonPlus,smoothGrad:samples=3",
  ],
  ...["--metrics", "morf,random,gini", "--flips", "5", "--step", "40", "--pictures", "2", "--out", out, ...more],
];

describe("relprop evaluate", () => {
  beforeAll(async () => {
    writeFileSync(at("t-images-idx3-ubyte"), idx(0x803, [IMAGES, 28, 28], numbers(IMAGES * 784, 1, 0, 255)));
    writeFileSync(
      at("t-labels-idx1-ubyte"),
      idx(
        0x801,
        [IMAGES],
        Array.from({ length: IMAGES }, (_, i) => i % 10),
      ),
    );
    expect(await relprop(given(at("whole"), "--workers", "2"))).toEqual({
      code: 0,
      out: `${at("whole")}/report.html: 2 methods, 3 metrics, ${IMAGES} images\n`,
      err: "",
    });
    return () => rmSync(dir, { recursive: true });
  });

  test("writes a report, its pictures, and what it was made from", () => {
    const files = Object.keys(contentsOf(at("whole"))).sort();
    expect(files.filter((name) => name.startsWith("/parts"))).toHaveLength(IMAGES);
    expect(files.filter((name) => name.startsWith("/pictures"))).toEqual(
      ["00000", "00001"].flatMap((image) =>
        ["epsilonPlus", "input", "smoothGrad_samples=3"].map((of) => `/pictures/${image}-${of}.png`),
      ),
    );
    expect(files).toEqual(
      expect.arrayContaining([
        "/report.html",
        "/results.csv",
        "/summary.csv",
        "/curves.csv",
        "/results.json",
        "/settings.json",
      ]),
    );
    const settings = JSON.parse(readFileSync(at("whole/settings.json"), "utf8"));
    expect(settings.command).toBe(
      `relprop evaluate demo/digits.onnx ${at("t-images-idx3-ubyte")} --methods ` +
        `epsilonPlus,smoothGrad:samples=3 --metrics morf,random,gini --step 40 --flips 5 --pictures 2 ` +
        `--preset unit --out DIR`,
    );
    expect(settings.data).toMatchObject({ kind: "idx", images: IMAGES });
    const part = JSON.parse(readFileSync(at("whole/parts/00003.json"), "utf8"));
    expect(part).toMatchObject({
      image: 3,
      name: "#3",
      label: { index: 3, name: "three" },
      replaced: [0, 40, 80, 120, 160, 200],
    });
    expect(part.methods.map(({ method }: { method: string }) => method)).toEqual(settings.methods);
  });

  test("killed and started again, it continues, and the report is the same", async () => {
    expect(await relprop(given(at("killed"), "--workers", "1"), killAfter(3))).toMatchObject({ code: null, err: "" });
    const drafts = () => Object.keys(contentsOf(at("killed"))).filter((name) => name.endsWith(".tmp"));
    expect(drafts()).toHaveLength(1);
    const again = await relprop(given(at("killed")));
    expect(again).toMatchObject({ code: 0, err: `relprop: 3 of ${IMAGES} images are there already\n` });
    const found = contentsOf(at("killed"));
    expect(found).toEqual(contentsOf(at("whole")));
  });

  test("shards on several machines are merged to the same report", async () => {
    for (const shard of ["1/3", "2/3", "3/3"]) {
      const { out } = await relprop(given(at(`shard${shard[0]}`), "--shard", shard));
      expect(out).toMatch(`4 of ${IMAGES} images are in`);
    }
    const some = ["1", "3"].map((n) => at(`shard${n}`));
    expect((await relprop(["merge", ...some, "--out", at("merged")])).err).toBe(
      `relprop: the folders to merge: 4 of ${IMAGES} images are missing: 1, 4, 7, 10. Run the shards that have them.\n`,
    );
    expect((await relprop(["merge", ...some, at("shard2"), "--out", at("merged")])).code).toBe(0);
    expect(contentsOf(at("merged"))).toEqual(contentsOf(at("whole")));
  });

  test("a folder of another evaluation, and one with other files, are left as they are", async () => {
    const { code, err } = await relprop(given(at("whole"), "--seed", "1"));
    expect(code).toBe(2);
    expect(err).toContain(
      `folder '${at("whole")}': it has results of another evaluation: seed is 0 there, and 1 here. Another `,
    );
    expect((await relprop(given(dir))).err).toContain(
      "it has other files. Results need an empty folder, or one of 'relprop evaluate'.",
    );
  });

  test(
    "settings with which nothing was measured are forgotten; an option that is refused in a worker names " +
      "the image",
    async () => {
      const { code, err } = await relprop([
        ...given(at("twice")).filter((_, i) => i !== 5 && i !== 6),
        "--methods",
        "gradient:epsilon=1",
      ]);
      expect({ code, err }).toEqual({ code: 2, err: expect.stringMatching(/^relprop: image '#\d+': option/) });
      expect((await relprop(given(at("twice")))).code).toBe(0);
      expect(contentsOf(at("twice"))).toEqual(contentsOf(at("whole")));
    },
  );

  test("an image that the network does not take ends it, and is named; what is done stays", async () => {
    mkdirSync(at("pictures"));
    writeFileSync(at("pictures/a.png"), readFileSync("demo/three.png"));
    writeFileSync(at("pictures/b.png"), "no picture");
    const words = [
      "evaluate",
      "demo/digits.onnx",
      at("pictures"),
      "--preset",
      "unit",
      "--methods",
      "epsilon",
      "--metrics",
      "gini",
      "--out",
      at("broken"),
    ];
    const { code, err } = await relprop(words);
    expect({ code, err }).toEqual({
      code: 2,
      err: `relprop: file '${at("pictures/b.png")}': expected a .png, .jpg or .webp picture, or a .npy or .npz array, got text.\n`,
    });
  });

  test("rows of features have heatmaps, but no picture of their own", async () => {
    const model = onnx({
      inputs: { x: ["n", 3] },
      nodes: [{ type: "Gemm", inputs: ["x", "w"], outputs: ["y"] }],
      initializers: { w: { dims: [3, 2], data: Float32Array.of(1, 2, 3, 4, 5, 6) } },
      outputs: { y: ["n", 2] },
    });
    writeFileSync(at("rows.onnx"), model);
    writeFileSync(at("rows.npy"), writeNpy({ data: Float32Array.of(1, 2, 3, 4, 5, 7), dims: [2, 3] }));
    const words = [
      "evaluate",
      at("rows.onnx"),
      at("rows.npy"),
      "--methods",
      "epsilon",
      "--metrics",
      "morf,gini",
      "--out",
      at("rows"),
    ];
    expect(await relprop(words)).toEqual({
      code: 0,
      out: `${at("rows")}/report.html: 1 method, 2 metrics, 2 images\n`,
      err: "",
    });
    expect(readdirSync(at("rows/pictures")).sort()).toEqual(["00000-epsilon.png", "00001-epsilon.png"]);
    expect(readFileSync(at("rows/report.html"), "utf8")).not.toContain("-input.png");
  });

  test.each([
    [
      ["evaluate", "demo/digits.onnx", "demo"],
      "command 'evaluate': --methods, --metrics and --out are missing. For example: relprop evaluate model.onnx ",
    ],
    [
      ["evaluate", "demo/digits.onnx", "demo", "--methods", "epsilon", "--metrics", "maxSensitivity", "--out", "x"],
      "option '--radius': maxSensitivity and localLipschitz need it",
    ],
    [
      ["evaluate", "demo/digits.onnx", "demo", "--methods", "epsilon", "--metrics", "pointing", "--out", "x"],
      "it has metrics that need masks (pointing), and data of the command line has none",
    ],
    [
      ["evaluate", "demo/digits.onnx", "demo", "--methods", "epsilon", "--metrics", "mrf", "--out", "x"],
      "option '--metrics': expected a metric, got 'mrf'. Did you mean 'morf'",
    ],
    [
      ["evaluate", "demo/digits.onnx", "demo", "--methods", "epsilon", "--metrics", "gini,gini", "--out", "x"],
      "option '--metrics': it has 'gini' twice",
    ],
    [
      ["evaluate", "demo/digits.onnx", "demo", "--methods", "epsilon", "--metrics", "gini", "--out", "demo/three.png"],
      "expected a folder to write into, got a file",
    ],
    [
      ["merge", "--out", "x"],
      "command 'merge': DIR is missing. For example: relprop merge half otherhalf --out report",
    ],
    [
      ["merge", "demo", "--out", "x"],
      "folder 'demo': it is no folder of 'relprop evaluate', which has a file settings.json",
    ],
  ])("refuses %j", async (words, text) => {
    const { code, err } = await relprop(words as string[]);
    expect(code).toBe(2);
    expect(err).toContain(text);
  });
});
