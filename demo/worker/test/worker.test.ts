import { execFileSync } from "node:child_process";
import { decode } from "fast-png";
import { composites, load, LrpError, type Model, preprocess } from "relprop";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import settings from "../../digits.relprop.json" with { type: "json" };
import { MAX_BODY, MAX_HELD, withBody } from "../src/body.ts";
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

/** Name, query, request, status, code of the error. */
const refused: readonly [name: string, query: string, sent: Sent, status: number, code: string][] = [
  ["a wrong method", "", { method: "PUT", body: three }, 405, "method"],
  ["DELETE", "", { method: "DELETE" }, 405, "method"],
  ["a wrong path", "digit", asPng(three), 404, "path"],
  ["a wrong type", "", as("text/plain", three), 415, "type"],
  ["no type", "", { body: three }, 415, "type"],
  ["a type that is a name of every object", "", as("constructor", three), 415, "type"],
  ["20 MB", "", asPng(large), 413, "too-large"],
  ["20 MB without Content-Length", "", asPng(large, { chunked: true }), 413, "too-large"],
  ["a header of 30000 x 30000", "", asPng(header(30000, 30000)), 422, "pixels"],
  ["a header of 2^31 x 2^31", "", asPng(header(2 ** 31, 2 ** 31)), 422, "pixels"],
  ["a header of 0 x 0", "", asPng(header(0, 0)), 422, "image"],
  [
    "a second header",
    "",
    asPng(png({ width: 9, height: 9, chunks: [header(30000, 30000).subarray(8, 33)], rows: new Uint8Array(90) })),
    422,
    "image",
  ],
  [
    "more pixels than the header has",
    "",
    asPng(png({ width: 9, height: 9, rows: new Uint8Array(50 * MiB) })),
    422,
    "image",
  ],
  [
    "colours of no kind",
    "",
    asPng(png({ width: 9, height: 9, colours: 5, rows: new Uint8Array(50 * MiB) })),
    422,
    "image",
  ],
  ["no palette", "", asPng(png({ width: 9, height: 9, colours: 3, rows: new Uint8Array(90) })), 422, "image"],
  ["fewer pixels than the header has", "", asPng(header(99, 99)), 422, "image"],
  ["a JPEG of 65500 x 65500", "", asJpeg(jpegHeader), 422, "pixels"],
  ["more pixels than are taken", "", asPng(header(1025, 1024)), 422, "pixels"],
  ["half a PNG", "", asPng(three.subarray(0, 160)), 422, "image"],
  ["half a JPEG", "", asJpeg(jpegPhoto(three, false).subarray(0, 5000)), 422, "image"],
  ["a wrong checksum", "", asPng(changed(three, three.length - 1)), 422, "image"],
  ["a broken pixel", "", asPng(changed(three, 150)), 422, "image"],
  [
    "an interlaced PNG of too few rows",
    "",
    asPng(png({ width: 9, height: 9, interlaced: 1, rows: new Uint8Array(99) })),
    422,
    "image",
  ],
  [
    "a picture whose one colour is transparent",
    "",
    asPng(png({ width: 9, height: 9, chunks: [chunk("tRNS", [0, 0])], rows: new Uint8Array(90) })),
    422,
    "empty",
  ],
  ["a PNG said to be a JPEG", "", asJpeg(three), 422, "image"],
  ["text said to be a PNG", "", asPng(Buffer.from("seven")), 422, "image"],
  ["nothing", "", asPng(new Uint8Array(0)), 422, "image"],
  ["a white picture", "", asPng(blank(255)), 422, "empty"],
  ["an unknown composite", "?composite=epsilonplus", asPng(three), 400, "usage"],
  ["an unknown class", "?target=ten", asPng(three), 400, "usage"],
  ["class 10", "?target=10", asPng(three), 400, "usage"],
  ["an unknown format", "?format=gif", asPng(three), 400, "format"],
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

describe("bodies", () => {
  const open = (bytes: number) => {
    const { readable, writable } = new TransformStream();
    const writer = writable.getWriter();
    const written = writer.write(new Uint8Array(bytes));
    const request = new Request("http://localhost/", { method: "POST", body: readable, duplex: "half" } as RequestInit);
    return { written, close: () => writer.close(), length: withBody(request, (read) => read.length) };
  };

  it("that are being read hold so much together, and no more", async () => {
    const full = Array.from({ length: MAX_HELD / MAX_BODY }, () => open(MAX_BODY));
    await Promise.all(full.map(({ written }) => written));
    const late = open(1);
    await Promise.all([late.written, late.close()]);
    await expect(late.length).rejects.toMatchObject({ status: 503, code: "busy" });
    await Promise.all(full.map(({ close }) => close()));
    expect(await Promise.all(full.map(({ length }) => length))).toEqual(full.map(() => MAX_BODY));
    const next = open(MAX_BODY);
    await next.written;
    await next.close();
    expect(await next.length).toBe(MAX_BODY);
  });

  it("that break off are refused", async () => {
    const body = new ReadableStream({ pull: (controller) => controller.error(new Error("gone")) });
    const request = new Request("http://localhost/", { method: "POST", body, duplex: "half" } as RequestInit);
    await expect(withBody(request, () => 0)).rejects.toMatchObject({ status: 400, code: "body" });
  });
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
  const ask = (query: string, sent: Sent) => send(server.url + query, sent);
  const askJson = async (query: string, sent: Sent) => {
    const answer = await ask(query, sent);
    expect(answer.status, String(answer.body).slice(0, 300)).toBe(200);
    return JSON.parse(String(answer.body));
  };

  it("GET says how to use it, HEAD has nothing more", async () => {
    const [got, head] = await Promise.all(["GET", "HEAD"].map((method) => ask("", { method })));
    expect(String(got.body)).toContain("curl");
    expect([got.status, head.status, head.body.length]).toEqual([200, 200, 0]);
    expect(got.headers["content-type"]).toMatch(/^text\/plain/i);
  });

  it("relevance is what relprop finds in this process", async () => {
    for (const { name: composite, required } of composites) {
      const options = { composite, target: "nine", ...(required && { low: 0, high: 1 }) };
      const expected = here(seven, options);
      const { best, target, relevance, scores } = await askJson(`?composite=${composite}&target=nine`, asPng(seven));
      expect([best.name, target.index, relevance.dims]).toEqual(["seven", 9, [1, 1, 28, 28]]);
      expect(difference(relevance.data, expected.relevance.data), composite).toBeLessThan(1e-5);
      expect(
        difference(
          scores.map((s: { score: number }) => s.score),
          expected.output.data,
        ),
      ).toBeLessThan(1e-5);
    }
  });

  it.each(digits)("recognizes %s", async (_, sent, index) => {
    const { best, target, seen } = await askJson("", sent);
    expect([best.index, target.index]).toEqual([index, index]);
    if (sent.body!.length < 3000) return;
    expect(seen.inverted).toBe(true);
    for (const side of ["left", "top", "side"] as const)
      expect(Math.abs(seen[side] - PLACE[side]), side).toBeLessThan(0.1 * PLACE.side);
  });

  it.each([
    ["?format=png", {}],
    ["", { Accept: "image/png, */*;q=0.5" }],
  ])("answers with a picture: '%s' %j", async (query, headers) => {
    const answer = await ask(query, asPng(three, { headers }));
    expect(answer.headers["content-type"]).toBe("image/png");
    const { width, height, data } = decode(answer.body, { checkCrc: true });
    expect([width, height]).toEqual([280, 280]);
    // Red speaks for it.
    expect(data.some((v, i) => i % 4 === 0 && v > data[i + 1] + 60)).toBe(true);
  });

  it.each(refused)("refuses %s", async (_, query, sent, status, code) => {
    const answer = await ask(query, sent);
    checkError(answer, status, code);
    if (status === 405) expect(answer.headers.allow).toBe("GET, HEAD, POST");
  });

  it("passes on what relprop says of an unknown composite", async () => {
    const thrown = (() => {
      try {
        return here(three, { composite: "none" });
      } catch (error) {
        return error;
      }
    })();
    expect(thrown).toBeInstanceOf(LrpError);
    expect(checkError(await ask("?composite=none", asPng(three)), 400, "usage")).toBe((thrown as LrpError).message);
  });

  it("answers two hundred at once", async () => {
    const expected = [three, seven].map((file) => here(file, {}).relevance.data);
    const answers = await Promise.all(Array.from({ length: 200 }, (_, i) => askJson("", asPng([three, seven][i % 2]))));
    answers.forEach(({ best, relevance }, i) => {
      expect(best.index).toBe([3, 7][i % 2]);
      expect(difference(relevance.data, expected[i % 2])).toBeLessThan(1e-5);
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
        Array.from({ length: 500 }, (_, i) => send(`${fresh.url}?format=png`, asPng([three, seven][i % 2]))),
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
