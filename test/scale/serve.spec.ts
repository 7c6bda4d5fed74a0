import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { Agent, request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { deflateSync } from "node:zlib";
import { afterAll, beforeAll, expect, test } from "vitest";
import { head, line, root, type Served, served } from "../cli/serve/server.ts";
import { onnx } from "../onnx-writer.ts";

const MB = 1e6;
const [WORKERS, BODY, PIXELS, SECONDS] = [2, MB, MB, 20];
const three = readFileSync(join(root, "demo/three.png"));
const folder = mkdtempSync(join(tmpdir(), "relprop-storm-"));

/** What a pixel may take while it is decoded. */
const PER_PIXEL = 40;
/** For connections, their parsers, and garbage that is not yet collected. */
const ROOM = 150 * MB;
const BOUND = WORKERS * PER_PIXEL * PIXELS + 2 * 8 * BODY + ROOM;

const servers: Served[] = [];
let server: Served;
let quick: Served;
beforeAll(async () => {
  writeFileSync(join(folder, "slow.onnx"), slow());
  const bounds = ["--workers", `${WORKERS}`, "--max-body", `${BODY}`, "--max-pixels", `${PIXELS}`];
  const digits = join(root, "demo/digits.onnx");
  server = await served(digits, ...bounds, "--timeout", `${SECONDS}`);
  quick = await served(digits, join(folder, "slow.onnx"), ...bounds, "--timeout", "3");
  servers.push(server, quick);
});
afterAll(async () => {
  await Promise.all(servers.map(({ end }) => end("SIGKILL")));
  rmSync(folder, { recursive: true });
});

/** A convolution that takes minutes for the pixels that it is given here. */
function slow(): Uint8Array {
  const [channels, side] = [16, 31];
  const conv = (x: string, w: string, y: string) => ({
    type: "Conv",
    inputs: [x, w],
    outputs: [y],
    attributes: { pads: Array(4).fill((side - 1) / 2) },
  });
  const weight = (from: number) => ({
    dims: [channels, from, side, side],
    data: new Float32Array(channels * from * side * side).fill(1e-4),
  });
  return onnx({
    nodes: [conv("x", "a", "h"), conv("h", "b", "y")],
    inputs: { x: [1, 1, "height", "width"] },
    outputs: { y: [1, channels, "height", "width"] },
    initializers: { a: weight(1), b: weight(channels) },
  });
}

interface Answer {
  readonly status: number;
  readonly ms: number;
  readonly code?: string;
}

const agent = new Agent({ maxSockets: Number.POSITIVE_INFINITY });

function post(path: string, body: Uint8Array, headers: Record<string, string> = {}, to = server): Promise<Answer> {
  const began = performance.now();
  return new Promise((found, failed) => {
    const sent = request(to.url + path, { method: "POST", agent, headers }, (response) => {
      const parts: Buffer[] = [];
      response.on("data", (part) => parts.push(part));
      response.on("end", () => {
        const { error } = response.statusCode === 200 ? { error: undefined } : JSON.parse(String(Buffer.concat(parts)));
        found({ status: response.statusCode!, ms: performance.now() - began, code: error?.code });
      });
    });
    sent.on("error", failed);
    sent.end(body);
  });
}

/** What comes back over a line of one's own. */
async function told(text: string, body: Uint8Array, end = false): Promise<Answer> {
  const { write, until, socket } = await line(server.port);
  write(text);
  write(body);
  if (end) socket.end();
  const heard = await until(/"message"/);
  socket.destroy();
  return { status: Number(/^HTTP\/1\.1 (\d+)/.exec(heard)?.[1]), ms: 0, code: /"code":"([\w-]+)"/.exec(heard)?.[1] };
}

/** A PNG whose header says so many pixels, with zeros of another number. */
function bomb(width: number, height: number, zeros: number): Uint8Array {
  const file = Buffer.from(three);
  file.writeUInt32BE(width, 16);
  file.writeUInt32BE(height, 20);
  const pixels = deflateSync(Buffer.alloc(zeros));
  const [length, name] = [Buffer.alloc(4), Buffer.from("IDAT")];
  length.writeUInt32BE(pixels.length);
  return Buffer.concat([file.subarray(0, 33), length, name, pixels, Buffer.alloc(4), file.subarray(-12)]);
}

const json = (text: string) => new TextEncoder().encode(text);
const DIGITS = "/explain/digits";
const SLOW = "/explain/slow?target=0&area=all";
const length = (bytes: number) => head(DIGITS, { "Content-Length": bytes });

/** What 500 clients do at once: how many, what, and the answers that are right. */
const clients: readonly (readonly [
  count: number,
  what: string,
  does: () => Promise<Answer>,
  right: readonly string[],
])[] = [
  [260, "ask for JSON", () => post(DIGITS, three), ["200", "503 busy", "503 timeout"]],
  [60, "ask for a picture", () => post(DIGITS, three, { Accept: "image/png" }), ["200", "503 busy", "503 timeout"]],
  [
    40,
    "stop in the middle of a body",
    () => told(length(three.length), three.subarray(0, 20)),
    ["408 timeout", "503 busy"],
  ],
  [
    25,
    "send less than they say",
    () => told(length(three.length), three.subarray(0, 20), true),
    ["400 http", "503 busy"],
  ],
  [25, "say more than there may be", () => told(length(9e9), three), ["413 too-large", "503 busy"]],
  [20, "send more than there may be", () => post(DIGITS, Buffer.alloc(3 * MB)), ["413 too-large", "503 busy"]],
  [
    20,
    "send a header of 900 million pixels",
    () => post(DIGITS, bomb(30_000, 30_000, 99)),
    ["413 pixels", "503 busy", "503 timeout"],
  ],
  [
    20,
    "send a picture that unpacks to 500 MB",
    () => post(DIGITS, bomb(9, 9, 500 * MB)),
    ["422 usage", "503 busy", "503 timeout"],
  ],
  [
    10,
    "send lists in lists",
    () => post(DIGITS, json(`{"inputs":${"[".repeat(900_000)}`)),
    ["422 json", "503 busy", "503 timeout"],
  ],
  [10, "ask for what there is not", () => post("/explain/none", three), ["404 model"]],
  [10, "go away", goAway, ["0"]],
];

/** Sends half a body, or all of it, and does not wait for the answer. */
async function goAway(): Promise<Answer> {
  const { write, socket } = await line(server.port);
  write(length(three.length));
  write(three);
  socket.destroy();
  return { status: 0, ms: 0 };
}

const nameOf = ({ status, code }: Answer) => [status, code].filter((part) => part !== undefined).join(" ");

test("500 clients at once, some of them up to no good: each gets the right status, within the memory", async () => {
  // Made once, beforehand: it is the server that is tested.
  const unpacks = bomb(9, 9, 500 * MB);
  const all = clients.flatMap(([count, what, does, right]) =>
    Array.from({ length: count }, () => ({
      what,
      right,
      does: what.includes("unpacks") ? () => post(DIGITS, unpacks) : does,
    })),
  );
  expect(all.length).toBe(500);
  expect((await post(DIGITS, three)).status).toBe(200);
  const begun = server.peak();
  const answers = await Promise.all(all.map(({ does }) => does()));
  const wrong = answers.flatMap((answer, i) =>
    all[i].right.includes(nameOf(answer)) ? [] : [`${all[i].what}: ${nameOf(answer)}`],
  );
  expect(wrong).toEqual([]);
  const times = answers
    .filter(({ status }) => status === 200)
    .map(({ ms }) => ms)
    .sort((a, b) => a - b);
  const quantile = (q: number) => Math.round(times[Math.min(times.length - 1, Math.floor(q * times.length))]);
  console.log(
    `500 at once: ${times.length} explained, p50 ${quantile(0.5)} ms, p99 ${quantile(0.99)} ms; memory ` +
      `${Math.round(begun / MB)} MB, at most ${Math.round(server.peak() / MB)} MB`,
  );
  expect(times.length).toBeGreaterThan(0);
  expect(server.peak() - begun).toBeLessThan(BOUND);
});

test("what takes too long is ended with its thread, and another takes its place", async () => {
  const side = 400;
  const body = json(JSON.stringify({ inputs: { x: { dims: [1, 1, side, side], data: Array(side * side).fill(1) } } }));
  for (let round = 0; round < 2; round++) {
    const slow = Array.from({ length: WORKERS }, () => post(SLOW, body, {}, quick));
    expect((await Promise.all(slow)).map(nameOf)).toEqual(slow.map(() => "503 timeout"));
    expect((await post(DIGITS, three, {}, quick)).status).toBe(200);
  }
  // Of whose clients went away, no thread is left at work.
  const gone = Array.from({ length: WORKERS }, async () => {
    const { write, socket } = await line(quick.port);
    write(head(SLOW, { "Content-Length": body.length }));
    socket.write(body, () => setTimeout(() => socket.destroy(), 300));
  });
  await Promise.all(gone);
  await new Promise((go) => setTimeout(go, 500));
  expect((await post(DIGITS, three, {}, quick)).status).toBe(200);
});

test("a service that is told to end in the middle of it finishes what runs, and ends with 0", async () => {
  const answers = Array.from({ length: 200 }, () => post(DIGITS, three).catch(() => undefined));
  await Promise.race(answers);
  const began = performance.now();
  expect(await server.end()).toBe(0);
  expect(performance.now() - began).toBeLessThan(1000 * (SECONDS + 5));
  for (const answer of await Promise.all(answers))
    if (answer) expect(["200", "503 busy", "503 closing", "503 timeout"]).toContain(nameOf(answer));
});
