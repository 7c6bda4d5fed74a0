import { describe, expect, it } from "vitest";
import { version } from "../src/kernels.gen.ts";
import { dense, load as loadAlone, sequential } from "../src/entries/index.ts";
import { load, type Wasm } from "../src/entries/slim.ts";

const network = sequential({ input: [2] }, [dense({ weight: { data: Float32Array.of(3, 1), dims: [1, 2] } })]);

const empty = Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0);
const text = new TextEncoder();

/** A module of nothing but a signature. */
function signed(by: string) {
  const content = [7, ...text.encode(`relprop${by}`)];
  return Uint8Array.of(...empty, 0, content.length, ...content);
}

const page = "<!doctype html><title>Not found</title>";
const read = new Response(empty);
await read.arrayBuffer();

const cases: readonly (readonly [string, Wasm | undefined, string])[] = [
  [
    "a page with status 404",
    new Response(page, { status: 404 }),
    "expected WebAssembly at its address, got status 404.",
  ],
  [
    "a page with status 200",
    new Response(page),
    'expected WebAssembly, got 39 bytes that begin with "<!doctype html>".',
  ],
  [
    "an answer that was read",
    read,
    "expected an unread response from its address, got one that has been read already.",
  ],
  [
    "a foreign module",
    new WebAssembly.Module(empty),
    `expected the kernels of relprop ${version}, got another module.`,
  ],
  ["foreign bytes", empty.buffer, `expected the kernels of relprop ${version}, got another module.`],
  ["another version's", signed("0.0.1"), `expected the kernels of relprop ${version}, got those of 0.0.1.`],
  ["no bytes", new Uint8Array(), 'expected WebAssembly, got 0 bytes that begin with "".'],
  ["bytes that are shared", new Uint8Array(new SharedArrayBuffer(8)), "or a Response that holds them, got Uint8Array."],
  [
    "an address",
    new URL("file:///core.wasm"),
    "expected a WebAssembly.Module, its bytes, or a Response that holds them, got URL.",
  ],
  ["nothing", undefined, "got Undefined."],
];

describe("relprop/slim refuses", () => {
  it.each(cases)("%s", async (_, wasm, message) => {
    const error = await load(network, { wasm: wasm as Wasm }).catch((e) => e);
    expect(error).toMatchObject({ name: "LrpError", code: "usage", issues: [{ where: "option 'wasm'" }] });
    expect(error.message).toContain(message);
  });

  it("options that are not there", async () => {
    await expect(load(network, undefined as never)).rejects.toMatchObject({ name: "LrpError", code: "usage" });
  });
});

it("relprop/slim computes as relprop does, from a module and from a view of its bytes", async () => {
  const { simd } = await import("../src/core.gen.ts");
  const bytes = Uint8Array.from(Buffer.from(`00${simd}00`, "hex")).subarray(1, -1);
  const x = { data: Float32Array.of(1, 2), dims: [1, 2] };
  const expected = (await loadAlone(network, { relaxed: "never" })).explain(x).relevance;
  for (const wasm of [bytes, new WebAssembly.Module(bytes)]) {
    expect((await load(network, { wasm })).explain(x).relevance).toEqual(expected);
  }
});
