import { execFileSync } from "node:child_process";
import { decode } from "fast-png";
import { composites, load, LrpError, type Model, preprocess } from "relprop";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import settings from "../../digits.relprop.json" with { type: "json" };
import { chunk, demo, jpegPhoto, PLACE, png, pngPhoto, read, rowsOf, seven, three, variants } from "./pictures.ts";
import { bundled, runtimes, type Sent, type Server, send } from "./servers.ts";

const MiB = 2 ** 20;
/**
 * What the process may take: 70 MiB when it starts, an isolate's 128, and what workerd buffers for connections and has
 * not yet collected.
 */
const PEAK = 300 * MiB;

/** And under many small requests at once, where it starts at 70 to 100. */
const SMALL_PEAK = 200e6;

const as = (type: string, body: Uint8Array, more: Sent = {}): Sent => ({
  body,
  ...more,
  headers: { "Content-Type": type, ...more.headers },
});
const asPng = (body: Uint8Array, more?: Sent) => as("image/png", body, more);
const asJpeg = (body: Uint8Array, more?: Sent) => as("image/jpeg", body, more);
const blank = (shade: number) => png({ width: 40, height: 30, rows: rowsOf(40, 30, () => [shade]) });
const header = (width: number, height: number) => png({ width, height, rows: new Uint8Array(8) });
/** A frame of a JPEG of so many pixels, and nothing else. */
const jpegHeader = Uint8Array.from([
  0xff, 0xd8, 0xff, 0xc0, 0, 17, 8, 0xff, 0xdc, 0xff, 0xdc, 3, 1, 0x22, 0, 2, 0x11, 1, 3, 0x11, 1, 0xff, 0xd9,
]);
const changed = (file: Buffer, at: number) => Buffer.from(file.map((byte, i) => (i === at ? byte ^ 1 : byte)));
const large = new Uint8Array(20 * MiB);
/** A picture in a body of nearly 4 MiB; what is behind a picture's end is not read. */
const padded = Buffer.concat([three, Buffer.alloc(3.9 * MiB)]);
/** As many pixels as may be, of as many bytes as there are. */
const largest = png({
  width: 1024,
  height: 1024,
  depth: 16,
  colours: 6,
  rows: rowsOf(1024, 1024, (x) => (x > 480 && x < 540 ? [0, 0, 0, 0, 0, 0, 255, 255] : Array(8).fill(255))),
});

/** Name, query of /explain/digits or another path, request, status, code of the error. */
const refused: readonly [name: string, query: string, sent: Sent, status: number, code: string][] = [
  ["a wrong method", "", { method: "PUT", body: three }, 405, "method"],
  ["DELETE", "", { method: "DELETE" }, 405, "method"],
  ["a wrong path", "/digit", asPng(three), 404, "path"],
  ["a wrong type", "", as("text/plain", three), 415, "type"],
  ["a type that is a name of every object", "", as("constructor", three), 415, "type"],
  ["20 MB", "", asPng(large), 413, "too-large"],
  ["20 MB without Content-Length", "", asPng(large, { chunked: true }), 413, "too-large"],
  ["a header of 30000 x 30000", "", asPng(header(30000, 30000)), 413, "pixels"],
  ["a header of 2^31 x 2^31", "", asPng(header(2 ** 31, 2 ** 31)), 413, "pixels"],
  ["a header of 0 x 0", "", asPng(header(0, 0)), 422, "usage"],
  [
    "a second header",
    "",
    asPng(png({ width: 9, height: 9, chunks: [header(30000, 30000).subarray(8, 33)], rows: new Uint8Array(90) })),
    422,
    "usage",
  ],
  [
    "more pixels than the header has",
    "",
    asPng(png({ width: 9, height: 9, rows: new Uint8Array(50 * MiB) })),
    422,
    "usage",
  ],
  [
    "colours of no kind",
    "",
    asPng(png({ width: 9, height: 9, colours: 5, rows: new Uint8Array(50 * MiB) })),
    422,
    "usage",
  ],
  ["no palette", "", asPng(png({ width: 9, height: 9, colours: 3, rows: new Uint8Array(90) })), 422, "usage"],
  ["fewer pixels than the header has", "", asPng(header(99, 99)), 422, "usage"],
  ["a JPEG of 65500 x 65500", "", asJpeg(jpegHeader), 413, "pixels"],
  ["more pixels than are taken", "", asPng(header(1025, 1024)), 413, "pixels"],
  ["half a PNG", "", asPng(three.subarray(0, 160)), 422, "usage"],
  ["half a JPEG", "", asJpeg(jpegPhoto(three, false).subarray(0, 5000)), 422, "usage"],
  ["a wrong checksum", "", asPng(changed(three, three.length - 1)), 422, "usage"],
  ["a broken pixel", "", asPng(changed(three, 150)), 422, "usage"],
  [
    "an interlaced PNG of too few rows",
    "",
    asPng(png({ width: 9, height: 9, interlaced: 1, rows: new Uint8Array(99) })),
    422,
    "usage",
  ],
  [
    "a picture whose one colour is transparent",
    "",
    asPng(png({ width: 9, height: 9, chunks: [chunk("tRNS", [0, 0])], rows: new Uint8Array(90) })),
    422,
    "empty",
  ],
  ["a PNG said to be a JPEG", "", asJpeg(three), 415, "type"],
  ["text said to be a PNG", "", asPng(Buffer.from("seven")), 415, "type"],
  ["nothing", "", asPng(new Uint8Array(0)), 400, "body"],
  ["a white picture", "", asPng(blank(255)), 422, "empty"],
  ["an unknown composite", "?composite=epsilonplus", asPng(three), 400, "query"],
  ["an unknown class", "?target=ten", asPng(three), 400, "usage"],
  ["class 10", "?target=10", asPng(three), 400, "usage"],
  ["a format that nobody has", "", asPng(three, { headers: { Accept: "text/html" } }), 406, "format"],
  ["an unknown part of the query", "?rule=epsilon", asPng(three), 400, "query"],
  ["a part of the query twice", "?target=1&target=2", asPng(three), 400, "query"],
];

/** Name, request, class. */
const digits: readonly [name: string, sent: Sent, index: number][] = [
  ...[three, seven].flatMap((file, k): [string, Sent, number][] => {
    const index = [3, 7][k];
    return [
      [`a photo of a ${index}`, asPng(pngPhoto(file)), index],
      [`a photo of a ${index} as JPEG`, asJpeg(jpegPhoto(file, false)), index],
      [`a turned photo of a ${index}`, asJpeg(jpegPhoto(file, true)), index],
      ...Object.entries(variants(file)).map(([name, body]): [string, Sent, number] => [
        `a ${index}, ${name}`,
        asPng(body),
        index,
      ]),
    ];
  }),
  ["a three without a type", { body: three }, 3],
  ["a three without Content-Length", asPng(three, { chunked: true }), 3],
  ["a type with parameters", as("Image/PNG; name=three", three), 3],
  [
    "a profile that would fill the memory",
    asPng(
      png({
        width: 28,
        height: 28,
        chunks: [chunk("iCCP", [97, 0, 0, 1])],
        rows: rowsOf(28, 28, (x, y) => [decode(three).data[28 * y + x]]),
      }),
    ),
    3,
  ],
];

/** Where requests go that say nothing else. */
const EXPLAIN = "explain/digits";

/** A buffer of its own. */
const bytesOf = (file: Uint8Array) => new Uint8Array(file).buffer;

let model: Model;
beforeAll(async () => {
  model = await load(read("digits.onnx"), { classes: settings.classes });
});

/** What relprop says in this process of a drawn digit. */
function here(file: Uint8Array, options: Parameters<Model["explain"]>[1]) {
  const { data, width, height } = decode(file);
  return model.explain(preprocess({ data: data as Uint8Array, width, height }, "unit", model.inputs[0].dims), options);
}

/** The largest difference, as a share of the largest number. */
function difference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  expect(a.length).toBe(b.length);
  const largest = Math.max(...Array.from(b, Math.abs));
  return Math.max(...Array.from(a, (v, i) => Math.abs(v - b[i]))) / largest;
}

function checkError(answer: Awaited<ReturnType<typeof send>>, status: number, code: string): string {
  expect([answer.status, answer.headers["content-type"]?.split(";")[0]]).toEqual([status, "application/json"]);
  const { error, ...rest } = JSON.parse(String(answer.body));
  expect([rest, Object.keys(error), error.code]).toEqual([{}, ["code", "message"], code]);
  return error.message;
}

it("can be deployed", () => {
  const { text } = bundled();
  const size = /Total Upload: .*/.exec(text)?.[0];
  console.log(size);
  expect(size).toBeTruthy();
});

describe.each(runtimes)("in $name", ({ name, start, there }) => {
  // Where CI is set, what is missing fails to start.
  const skipped = !there && !process.env.CI;
  if (skipped) console.log(`skipped: ${name}, which npm ci --prefix demo/worker installs`);
  let server: Server;
  beforeAll(async () => {
    if (!skipped) server = await start();
  });
  beforeEach((context) => context.skip(skipped));
  afterAll(() => server?.stop());
  const ask = (query: string, sent: Sent) =>
    send(server.url + (query.startsWith("/") ? query.slice(1) : `${EXPLAIN}${query}`), sent);
  const askJson = async (query: string, sent: Sent) => {
    const answer = await ask(query, sent);
    expect(answer.status, String(answer.body).slice(0, 300)).toBe(200);
    return JSON.parse(String(answer.body));
  };

  it("GET says how to use it, HEAD has nothing more", async () => {
    const [got, head] = await Promise.all(["GET", "HEAD"].map((method) => ask("/", { method })));
    expect(String(got.body)).toContain("curl");
    expect([got.status, head.status, head.body.length]).toEqual([200, 200, 0]);
    expect(got.headers["content-type"]).toMatch(/^text\/plain/i);
  });

  it("relevance is what relprop finds in this process", async () => {
    for (const { name: composite, required } of composites) {
      const options = { composite, target: "nine", ...(required && { low: 0, high: 1 }) };
      const expected = here(seven, options);
      const bounds = required ? "&low=0&high=1" : "";
      const answer = await askJson(`?composite=${composite}&target=nine${bounds}`, asPng(seven));
      const [[[target]], [[best]], { image }] = [answer.targets, answer.scores, answer.relevance];
      expect([best.name, target.index, image.dims]).toEqual(["seven", 9, [1, 1, 28, 28]]);
      expect(difference(image.data, expected.relevance.data), composite).toBeLessThan(1e-5);
      expect(difference([target.score], [Number(expected.output.data[9])])).toBeLessThan(1e-5);
    }
  });

  it.each(digits)("recognizes %s", async (_, sent, index) => {
    const { scores, targets, seen } = await askJson("", sent);
    expect([scores[0][0].index, targets[0][0].index]).toEqual([index, index]);
    if (sent.body!.length < 3000) return;
    expect(seen.inverted).toBe(true);
    for (const side of ["left", "top", "side"] as const)
      expect(Math.abs(seen[side] - PLACE[side]), side).toBeLessThan(0.1 * PLACE.side);
  });

  it("answers with a picture", async () => {
    const answer = await ask("", asPng(three, { headers: { Accept: "image/png, */*;q=0.5" } }));
    expect(answer.headers["content-type"]).toBe("image/png");
    const { width, height, data } = decode(answer.body, { checkCrc: true });
    expect([width, height]).toEqual([484, 335]);
    // Red speaks for it.
    expect(data.some((v, i) => i % 4 === 0 && v > data[i + 1] + 60)).toBe(true);
  });

  it.each(refused)("refuses %s", async (_, query, sent, status, code) => {
    const answer = await ask(query, sent);
    checkError(answer, status, code);
    if (status === 405) expect(answer.headers.allow).toBe("POST, OPTIONS");
  });

  it("passes on what relprop says of an unknown class", async () => {
    const thrown = (() => {
      try {
        return here(three, { target: "ten" });
      } catch (error) {
        return error;
      }
    })();
    expect(thrown).toBeInstanceOf(LrpError);
    expect(checkError(await ask("?target=ten", asPng(three)), 400, "usage")).toBe((thrown as LrpError).message);
  });

  it("answers two hundred at once", async () => {
    const expected = [three, seven].map((file) => here(file, {}).relevance.data);
    const answers = await Promise.all(Array.from({ length: 200 }, (_, i) => askJson("", asPng([three, seven][i % 2]))));
    answers.forEach(({ scores, relevance }, i) => {
      expect(scores[0][0].index).toBe([3, 7][i % 2]);
      expect(difference(relevance.image.data, expected[i % 2])).toBeLessThan(1e-5);
    });
  });

  it.runIf(name === "workerd")(
    "stays within its memory, with large bodies and large pictures among two hundred at once",
    async () => {
      const before = server.peak();
      const sent = Array.from({ length: 200 }, (_, i): [Sent, number[]] => {
        if (i % 100 === 0) return [asPng(large, { chunked: true }), [413, 503]];
        if (i % 100 === 1) return [asPng(largest), [200, 503]];
        return [asPng(i % 20 === 2 ? padded : three), [200, 503]];
      });
      const statuses = await Promise.all(sent.map(async ([request]) => (await ask("", request)).status));
      const counts = [200, 413, 503].map((status) => `${statuses.filter((s) => s === status).length} x ${status}`);
      console.log(
        `workerd's peak: ${[before, server.peak()].map((bytes) => Math.round(bytes / MiB)).join(", then ")} ` +
          `MiB; ${counts.join(", ")}`,
      );
      expect(statuses.filter((status, i) => !sent[i][1].includes(status))).toEqual([]);
      expect(statuses).toContain(200);
      expect(server.peak()).toBeLessThan(PEAK);
    },
  );

  it.skipIf(name === "Deno")("draws five hundred pictures at once in less than 200 MB", async () => {
    const fresh = await start();
    try {
      const before = fresh.peak();
      const answers = await Promise.all(
        Array.from({ length: 500 }, (_, i) =>
          send(`${fresh.url}${EXPLAIN}?layout=map`, asPng([three, seven][i % 2], { headers: { Accept: "image/png" } })),
        ),
      );
      const megabytes = [before, fresh.peak()].map((bytes) => Math.round(bytes / 1e6)).join(", then ");
      const drawn = answers.filter(({ status }) => status === 200).length;
      console.log(`${name}'s peak under 500 pictures at once: ${megabytes} MB; ${drawn} drawn`);
      expect(answers.filter(({ status }) => status !== 200 && status !== 503)).toEqual([]);
      expect(drawn).toBeGreaterThan(0);
      expect(fresh.peak()).toBeLessThan(SMALL_PEAK);
    } finally {
      await fresh.stop();
    }
  });

  it.runIf(name === "workerd")("answers messages of a queue into a bucket, each by itself", async () => {
    const { bucket, queue } = server.cloudflare!;
    await bucket.put("in/three.png", bytesOf(three));
    await bucket.put("in/large", bytesOf(large));
    await bucket.put("in/text", "no picture");
    const messages = [
      { input: "in/three.png", path: "/explain/digits?target=nine" },
      { input: "in/three.png", accept: "image/png", output: "out/three.heatmap.png" },
      { input: "in/none.png" },
      { input: "in/large" },
      { input: "in/text" },
      { input: "in/three.png", path: "/explain/digits?target=ten", output: "out/ten" },
      { input: 3 },
    ];
    for (const message of messages) await queue.send(message);
    const keys = async () =>
      (await bucket.list()).objects.map(({ key }) => key).filter((key) => !/^in\/[^.]+(\.png)?$/.test(key));
    while ((await keys()).length < messages.length) await new Promise((go) => setTimeout(go, 100));
    const json = async (key: string) => JSON.parse(await (await bucket.get(key))!.text());
    const { targets, relevance } = await json("in/three.png.json");
    expect(targets[0][0].index).toBe(9);
    expect(difference(relevance.image.data, here(three, { target: "nine" }).relevance.data)).toBeLessThan(1e-5);
    const picture = await bucket.get("out/three.heatmap.png");
    expect(picture!.httpMetadata?.contentType).toBe("image/png");
    expect(decode(new Uint8Array(await picture!.arrayBuffer())).width).toBe(484);
    const codes = ["in/none.png", "in/large", "in/text", "out/ten"].map((key) => json(`${key}.error.json`));
    expect((await Promise.all(codes)).map(({ error }) => error.code)).toEqual(["input", "too-large", "type", "usage"]);
    const [strange] = (await keys()).filter((key) => key.startsWith("errors/"));
    expect((await json(strange)).error.code).toBe("message");
  });

  it("answers as its README says", () => {
    const lines = [
      ...read("worker/README.md")
        .toString()
        .matchAll(/^curl .*$/gm),
    ].map(([line]) => line.replace("http://localhost:8787/", server.url));
    expect(lines.length).toBeGreaterThan(2);
    for (const line of lines)
      execFileSync(
        "sh",
        ["-ec", line.replace("curl", "curl --silent --show-error --fail").replace(/> \S+$/, "> /dev/null")],
        {
          cwd: demo,
        },
      );
  });
});
