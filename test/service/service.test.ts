import { readFileSync } from "node:fs";
import { decode } from "fast-png";
import { beforeAll, describe, expect, it } from "vitest";
import { kinds } from "../../src/base/written.ts";
import { decodeImage } from "../../src/entries/image.ts";
import { composites, load, type Model, preprocess } from "../../src/entries/index.ts";
import { writeNpy } from "../../src/read/npy.ts";
import { engineOf } from "../../src/service/engine.ts";
import { explainRows, type QueryRow } from "../../src/service/query.ts";
import { routes } from "../../src/service/routes.ts";
import { createService, type Service } from "../../src/service/service.ts";
import { onnx } from "../onnx-writer.ts";
import { meanOfWords } from "../text/networks.ts";

const three = readFileSync("demo/three.png");
const x = { data: Float32Array.from({ length: 784 }, (_, i) => ((i * 7919) % 256) / 255), dims: [1, 1, 28, 28] };
const classes = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"];

/** y = a + b, of which nothing is known but the names. */
const sum = onnx({
  nodes: [{ type: "Add", inputs: ["a", "b"], outputs: ["y"] }],
  inputs: { a: [1, 2], b: [1, 2] },
  outputs: { y: [1, 2] },
});

const minus = onnx({
  nodes: [{ type: "Neg", inputs: ["x"], outputs: ["y"] }],
  inputs: { x: [1, 3] },
  outputs: { y: [1, 3] },
});

let digits: Model;
let words: Model;
let service: Service;
beforeAll(async () => {
  digits = await load(readFileSync("demo/digits.onnx"), { classes });
  words = await load(meanOfWords({ words: 12, hidden: 5 }));
  const ids = (tokens: readonly number[]) => ({
    data: BigInt64Array.from(tokens.map(BigInt)),
    dims: [1, tokens.length],
  });
  const encode = (text: string) => {
    const tokens = ["[CLS]", ...text.split(" "), "[PAD]"];
    const mask = tokens.map((token) => +(token !== "[PAD]"));
    const input = {
      input_ids: ids(tokens.map((token) => token.length)),
      attention_mask: ids(mask),
      token_type_ids: ids(tokens.map(() => 0)),
    };
    return { input, port: "input_ids", tokens, special: tokens.map((token) => token.startsWith("[")), mask };
  };
  const served = {
    digits: { model: digits, preset: "unit" },
    "two words": { model: words, encode },
    bare: { model: digits },
    sum: { model: await load(sum) },
    minus: { model: await load(minus) },
  } as const;
  service = createService(engineOf(served, { decode: decodeImage, maxPixels: 10_000 }), { maxBody: 20_000 });
});

interface Sent {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array<ArrayBuffer> | string;
}

const ask = (path: string, { method = "POST", ...rest }: Sent = {}) =>
  service.fetch(new Request(`http://localhost${path}`, { method, ...rest }));
const get = (path: string, method = "GET") => ask(path, { method });
const json = async (path: string, sent: Sent) => {
  const response = await ask(path, sent);
  expect([response.status, response.headers.get("content-type")]).toEqual([200, "application/json"]);
  return response.json();
};
const inputs = (given: unknown) => JSON.stringify({ inputs: given });
const png = { body: new Uint8Array(three) };
const oneOf = (dims: unknown, data: unknown, name = "image") => ({ body: inputs({ [name]: { dims, data } }) });
/** JSON has no −0. */
const plain = (data: Float32Array) => Array.from(data, (v) => v + 0);

describe("answers", () => {
  it("a prediction of a picture, of an array, and of JSON, with the numbers of the library", async () => {
    const seen = preprocess(decodeImage(three), "unit", digits.inputs[0]);
    for (const [sent, input] of [
      [png, seen],
      [{ body: new Uint8Array(writeNpy(x)) }, x],
      [oneOf(x.dims, [...x.data]), x],
    ] as const) {
      const { scores, outputs, output } = await json("/predict/digits?top=3", sent);
      const wanted = digits.predict(input).output;
      expect(outputs[output]).toEqual({ dims: wanted.dims, data: plain(wanted.data as Float32Array) });
      expect(scores[0].length).toBe(3);
      expect(scores[0][0].name).toBe(classes[scores[0][0].index]);
    }
  });

  it("an explanation with the numbers of the library, under every composite, of any target", async () => {
    const seen = preprocess(decodeImage(three), "unit", digits.inputs[0]);
    for (const { name: composite, required } of composites) {
      const bounds = required ? { low: 0, high: 1 } : {};
      const query = new URLSearchParams({ composite, target: "nine", ...(required && { low: "0", high: "1" }) });
      const found = await json(`/explain/digits?${query}`, png);
      const wanted = digits.explain(seen, { composite, target: "nine", ...bounds });
      expect(found.relevance.image.data, composite).toEqual(plain(wanted.relevance.data));
      expect([found.composite, found.targets[0][0].index, found.ledger.length]).toEqual([
        composite,
        9,
        wanted.ledger.length,
      ]);
    }
  });

  it("what a parameter, a contrast and an index ask for", async () => {
    const of = async (query: string) =>
      (await json(`/explain/digits?${query}`, oneOf(x.dims, [...x.data]))).relevance.image.data;
    const wanted = (options: Parameters<Model["explain"]>[1]) => plain(digits.explain(x, options).relevance.data);
    expect(await of("composite=epsilon&epsilon=0.5")).toEqual(wanted({ composite: "epsilon", epsilon: 0.5 }));
    expect(await of("target=3&against=others")).toEqual(wanted({ target: { class: 3, against: "others" } }));
    expect(await of("index=4")).toEqual(wanted({ target: { index: [4] } }));
  });

  it.each([
    ["image/png", [224, 224], "map"],
    ["text/html;q=0.9, image/*", [484, undefined], undefined],
    ["application/json;q=0, */*", [484, undefined], undefined],
  ])("a picture for Accept: %s", async (Accept, [width], layout) => {
    const query = layout ? `?layout=${layout}` : "";
    const response = await ask(`/explain/digits${query}`, { ...png, headers: { Accept } });
    expect(response.headers.get("content-type")).toBe("image/png");
    const picture = decode(new Uint8Array(await response.arrayBuffer()), { checkCrc: true });
    if (layout) expect(picture.width).toBeGreaterThan(0);
    else expect(picture.width).toBe(width);
  });

  it.each(["", " ", "*/*, image/png;q=0.5"])("JSON for Accept: '%s'", async (Accept) => {
    const response = await ask("/explain/digits", { ...png, headers: { Accept } });
    expect([response.status, response.headers.get("content-type")]).toEqual([200, "application/json"]);
  });

  it("a text, as words and as a page", async () => {
    const body = JSON.stringify({ text: "a hidden gem" });
    const { text, relevance, targets } = await json("/explain/two%20words", { body });
    expect(text.tokens).toEqual(["[CLS]", "a", "hidden", "gem", "[PAD]"]);
    expect(text.relevance).toEqual(relevance.input_ids.data);
    expect(targets[0].length).toBe(1);
    const page = await ask("/explain/two%20words", { body, headers: { Accept: "text/html" } });
    expect(page.headers.get("content-type")).toBe("text/html;charset=utf-8");
    expect(await page.text()).toContain("hidden</mark>");
  });

  it("numbers that JSON has not as texts", async () => {
    const data = Float32Array.of(1, Number.NaN, Number.POSITIVE_INFINITY);
    const { outputs } = await json("/predict/minus", { body: new Uint8Array(writeNpy({ data, dims: [1, 3] })) });
    expect(outputs.y.data).toEqual([-1, "NaN", "-Infinity"]);
  });

  it("what there is: networks, health, usage, the list of all of it", async () => {
    const { models } = await (await get("/models")).json();
    expect(models.map((model: { name: string }) => model.name)).toEqual([
      "digits",
      "two words",
      "bare",
      "sum",
      "minus",
    ]);
    expect([models[0].inputs[0].dims.slice(1), models[0].classes, models[1].text]).toEqual([
      [1, 28, 28],
      classes,
      true,
    ]);
    expect(await (await get("/health")).json()).toEqual({ status: "ok" });
    const usage = await (await get("/")).text();
    const { paths } = await (await get("/openapi.json")).json();
    for (const { method, path, query } of Object.values(routes)) {
      expect(usage).toContain(`${method} ${path}`);
      const names = (paths[path][method.toLowerCase()].parameters ?? []).map((row: { name: string }) => row.name);
      expect(names.filter((row: string) => row !== "model")).toEqual(Object.keys(query));
    }
  });

  it("HEAD without a body, OPTIONS with what there is", async () => {
    const head = await get("/models", "HEAD");
    expect([head.status, head.headers.get("content-type"), await head.text()]).toEqual([200, "application/json", ""]);
    const options = await get("/explain/digits", "OPTIONS");
    expect([options.status, options.headers.get("allow")]).toEqual([204, "POST, OPTIONS"]);
  });
});

/** Path, request, status, code. */
const refused: readonly (readonly [what: string, path: string, sent: Sent, status: number, code: string])[] = [
  ["a path that there is not", "/explain", png, 404, "path"],
  ["a path below one that there is", "/explain/digits/3", png, 404, "path"],
  ["a network that there is not", "/explain/dogs", png, 404, "model"],
  ["a name of every object", "/explain/constructor", png, 404, "model"],
  ["what is no percent-encoding", "/explain/%zz", png, 404, "model"],
  ["GET where POST is meant", "/explain/digits", { method: "GET" }, 405, "method"],
  ["HEAD where POST is meant", "/explain/digits", { method: "HEAD" }, 405, "method"],
  ["POST where GET is meant", "/models", png, 405, "method"],
  ["DELETE", "/models", { method: "DELETE" }, 405, "method"],
  ["nothing", "/explain/digits", {}, 400, "body"],
  ["a body that is too large", "/explain/digits", { body: new Uint8Array(20_001) }, 413, "too-large"],
  ["an unknown part of the query", "/explain/digits?rule=epsilon", png, 400, "query"],
  ["a part of the query twice", "/explain/digits?target=1&target=2", png, 400, "query"],
  ["a part of another path's query", "/predict/digits?composite=epsilon", png, 400, "query"],
  ["an unknown composite", "/explain/digits?composite=epsilonplus", png, 400, "query"],
  ["a parameter that is no number", "/explain/digits?epsilon=x", png, 400, "query"],
  ["a parameter out of its range", "/explain/digits?composite=epsilon&epsilon=-1", png, 400, "usage"],
  ["a parameter that the composite has not", "/explain/digits?composite=epsilon&gamma=1", png, 400, "usage"],
  ["a parameter that the network's own has not", "/explain/digits?gamma=1", png, 400, "usage"],
  ["a composite without what it needs", "/explain/digits?composite=epsilonGammaBox", png, 400, "usage"],
  ["an unknown class", "/explain/digits?target=ten", png, 400, "usage"],
  ["class 10", "/explain/digits?target=10", png, 400, "usage"],
  ["an unknown output", "/explain/digits?output=none", png, 400, "usage"],
  ["an unknown value", "/explain/digits?at=none", png, 400, "usage"],
  ["an index beside a target", "/explain/digits?index=1&target=2", png, 400, "query"],
  ["a position beside an area", "/explain/digits?position=1&area=all", png, 400, "query"],
  ["a box of three corners", "/explain/digits?area=1,2,3", png, 400, "query"],
  ["a picture that nobody says how to prepare", "/explain/bare", png, 400, "preset"],
  [
    "a layout for numbers",
    "/explain/digits?layout=over",
    { body: new Uint8Array(writeNpy(x)), headers: { Accept: "image/png" } },
    400,
    "query",
  ],
  ["a form that there is not", "/explain/digits", { ...png, headers: { Accept: "audio/mp3" } }, 406, "format"],
  ["a form that is refused", "/explain/digits", { ...png, headers: { Accept: "image/png;q=0" } }, 406, "format"],
  ["a page of a picture", "/explain/digits", { ...png, headers: { Accept: "text/html" } }, 406, "format"],
  [
    "a picture of a text",
    "/explain/two%20words",
    { body: '{"text":"a"}', headers: { Accept: "image/png" } },
    406,
    "format",
  ],
  ["a picture of a prediction", "/predict/digits", { ...png, headers: { Accept: "image/png" } }, 406, "format"],
  ["a PNG said to be a JPEG", "/explain/digits", { ...png, headers: { "Content-Type": "image/jpeg" } }, 415, "type"],
  ["a PNG said to be text", "/explain/digits", { ...png, headers: { "Content-Type": "text/plain" } }, 415, "type"],
  [
    "a form",
    "/explain/digits",
    { ...png, headers: { "Content-Type": "multipart/form-data; boundary=x" } },
    415,
    "type",
  ],
  ["what is not known", "/explain/digits", { body: "three" }, 415, "type"],
  ["a GIF", "/explain/digits", { body: "GIF89a" }, 415, "type"],
  ["half a PNG", "/explain/digits", { body: new Uint8Array(three.subarray(0, 160)) }, 422, "usage"],
  ["a picture with too many pixels", "/explain/digits", { body: pngOf(101, 100) }, 413, "pixels"],
  ["a picture for two inputs", "/predict/sum", png, 422, "inputs"],
  ["a picture for a network of texts", "/explain/two%20words?preset=unit", png, 422, "inputs"],
  ["half an array", "/explain/digits", { body: new Uint8Array(writeNpy(x)).subarray(0, 99) }, 422, "usage"],
  [
    "an array of other dims",
    "/explain/digits",
    { body: new Uint8Array(writeNpy({ ...x, dims: [784] })) },
    422,
    "shape",
  ],
  ["text that begins as JSON", "/explain/digits", { body: '{"inputs":' }, 400, "json"],
  [
    "bytes that are no text in JSON",
    "/explain/digits",
    { body: Uint8Array.of(0x7b, 0x22, 0xff, 0x22, 0x7d) },
    400,
    "json",
  ],
  ["a list", "/explain/digits", { body: "[]" }, 422, "json"],
  ["JSON with other keys", "/explain/digits", { body: '{"input":1}' }, 422, "json"],
  ["JSON with both", "/explain/digits", { body: '{"text":"a","inputs":{}}' }, 422, "json"],
  ["JSON that nests deep", "/explain/digits", { body: `{"inputs":${"[".repeat(9000)}` }, 422, "json"],
  ["no input", "/explain/digits", { body: inputs({}) }, 422, "json"],
  ["an input of another name", "/explain/digits", oneOf([1], [1], "y"), 422, "json"],
  ["an input without data", "/explain/digits", { body: inputs({ image: { dims: [1] } }) }, 422, "json"],
  ["NaN", "/explain/digits", { body: '{"inputs":{"image":{"dims":[1],"data":[NaN]}}}' }, 422, "json"],
  [
    "a number beyond doubles",
    "/explain/digits",
    { body: '{"inputs":{"image":{"dims":[1],"data":[1e999]}}}' },
    422,
    "json",
  ],
  ["a number beyond float32", "/explain/digits", oneOf(x.dims, [...x.data.subarray(1), 1e39]), 422, "usage"],
  ["null as a number", "/explain/digits", oneOf([1], [null]), 422, "json"],
  ["a list of rows", "/explain/digits", oneOf([1, 1], [[1]]), 422, "json"],
  ["wrong dims", "/explain/digits", oneOf([1, 784], [...x.data]), 422, "shape"],
  ["dims that are no sizes", "/explain/digits", oneOf([-1], [1]), 422, "json"],
  ["dims of another size than data", "/explain/digits", oneOf(x.dims, [1]), 422, "shape"],
  ["a text for a network without a tokenizer", "/explain/digits", { body: '{"text":"a"}' }, 422, "text"],
  [
    "a text with a token that the network has not",
    "/explain/two%20words",
    { body: '{"text":"a-very-long-word"}' },
    422,
    "usage",
  ],
  ["a text that is a number", "/explain/two%20words", { body: '{"text":1}' }, 422, "json"],
];

/** The header of a PNG, and nothing else. */
function pngOf(width: number, height: number): Uint8Array<ArrayBuffer> {
  const file = new Uint8Array(three);
  const view = new DataView(file.buffer);
  view.setUint32(16, width);
  view.setUint32(20, height);
  return file;
}

describe("refuses", () => {
  it.each(refused)("%s", async (_, path, sent, status, code) => {
    const response = await ask(path, sent);
    const { error, ...rest } = await (sent.method === "HEAD" ? { error: { code, message: "" } } : response.json());
    expect([response.status, error.code, rest, Object.keys(error)]).toEqual([status, code, {}, ["code", "message"]]);
    expect(response.headers.get("content-type")).toBe("application/json");
    expect(response.headers.has("allow")).toBe(status === 405);
    expect(response.headers.has("accept")).toBe(status === 415);
  });

  it("a packed body, whose size its bytes do not say", async () => {
    const response = await ask("/explain/digits", { ...png, headers: { "Content-Encoding": "gzip" } });
    expect([response.status, response.headers.get("accept-encoding")]).toEqual([415, "identity"]);
    expect((await response.json()).error.message).toBe(
      "Content-Encoding: expected a body as it is, got one by 'gzip'.",
    );
    expect((await ask("/explain/digits", { ...png, headers: { "Content-Encoding": "Identity" } })).status).toBe(200);
  });

  it("a long path without repeating all of it", async () => {
    for (const path of [`/${"a".repeat(10_000)}`, `/explain/${"a".repeat(10_000)}`])
      expect((await (await ask(path, png)).text()).length).toBeLessThan(300);
  });

  it("what there is not with a sentence that says what there is", async () => {
    const message = async (path: string) => (await (await ask(path, png)).json()).error.message;
    expect(await message("/explain/digits?rule=epsilon")).toMatch(/^query: there is no 'rule'\. There are composite, /);
    expect(await message("/explain/dogs")).toBe(
      "path: there is no network 'dogs'. There are digits, two words, bare, sum, minus.",
    );
    expect(await message("/explain/digits?composite=e")).toMatch(/^query: composite: expected one of .*, got 'e'\.$/);
  });
});

it("every row of the query has an example that is read", () => {
  for (const [key, { kind, choices }] of Object.entries<QueryRow>(explainRows))
    expect(kinds[kind].parse(choices?.[0] ?? kinds[kind].example), key).not.toBeUndefined();
});

it("counts what it has answered, as Prometheus reads it", async () => {
  await ask("/explain/digits", png);
  const text = await (await get("/metrics")).text();
  expect(text).toMatch(/^relprop_requests_total\{route="\/explain\/\{model\}",status="200"\} \d+$/m);
  expect(text).toMatch(/^relprop_requests_total\{route="none",status="404"\} \d+$/m);
  for (const line of text.trimEnd().split("\n"))
    expect(line).toMatch(/^(# (HELP|TYPE) \w+ .+|\w+(\{\w+="[^"]*"(,\w+="[^"]*")*\})? [\d.e+-]+)$/);
  const [, last] = /le="\+Inf"\} (\d+)/.exec(text)!;
  const [, count] = /_count\{route="[^"]*"\} (\d+)/.exec(text)!;
  expect(last).toBe(count);
});
