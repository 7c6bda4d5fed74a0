import { describe, expect, test } from "vitest";
import { readNpy, writeNpy } from "../../src/read/npy.ts";
import { holdsArray, readArray } from "../../src/read/npz.ts";
import { zipSync } from "fflate";
import golden from "./npy_golden.json" with { type: "json" };

const latin1 = (text: string) => Uint8Array.from(text, (c) => c.charCodeAt(0));

function npy(header: string, values: Uint8Array, version = 1): Uint8Array {
  const length =
    version === 1
      ? [header.length & 255, header.length >> 8]
      : [header.length & 255, (header.length >> 8) & 255, header.length >> 16, 0];
  return Uint8Array.from([...latin1("\x93NUMPY"), version, 0, ...length, ...latin1(header), ...values]);
}

const header = (descr: string, order: string, shape: string) =>
  `{'descr': ${descr}, 'fortran_order': ${order}, 'shape': ${shape}, }\n`;
const floats = (...values: number[]) => new Uint8Array(Float32Array.from(values).buffer);

test.each([[[2, 3]], [[5]], [[]], [[1, 0, 4]]])("what is written is read: %j", (dims) => {
  const data = Float32Array.from({ length: dims.reduce((a, b) => a * b, 1) }, (_, i) => i / 3 - 1);
  expect(readNpy(writeNpy({ data, dims }), "x")).toEqual({ data, dims });
});

test.each(golden)("numpy's $name", ({ file, dims, values }) => {
  const bytes = new Uint8Array(Buffer.from(file, "base64"));
  expect(holdsArray(bytes)).toBe(true);
  const { data, ...rest } = readArray(bytes, "x", "input");
  expect(rest.dims).toEqual(dims);
  expect(data).toEqual(Float32Array.from(values));
});

test("that numbers were rounded is said, and only then", () => {
  const of = (name: string) => readArray(Buffer.from(golden.find((one) => one.name === name)!.file, "base64"), "x");
  expect(of(">f8").rounded).toBe("float64");
  for (const name of ["<f4", "<f2", "|u1", "<i8"]) expect(of(name)).not.toHaveProperty("rounded");
});

test("the file is numpy's: version 1.0, values at a multiple of 64 bytes", () => {
  const bytes = writeNpy({ data: Float32Array.of(1, 2), dims: [2] });
  const text = Buffer.from(bytes).toString("latin1");
  expect(text.slice(0, 128)).toBe(
    `\x93NUMPY\x01\x00\x76\x00${"{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }".padEnd(117)}\n`,
  );
  expect(bytes.subarray(128)).toEqual(floats(1, 2));
});

test("a view into a larger buffer is read and written as what it shows", () => {
  const large = new Float32Array([9, 1, 2, 9]);
  const bytes = writeNpy({ data: large.subarray(1, 3), dims: [2] });
  const shifted = new Uint8Array(bytes.length + 3);
  shifted.set(bytes, 3);
  expect(Array.from(readNpy(shifted.subarray(3), "x").data)).toEqual([1, 2]);
  expect(Array.from(readNpy(Buffer.from(bytes), "x").data)).toEqual([1, 2]);
});

test.each([1, 2, 3])("version %i is read", (version) => {
  expect(readNpy(npy(header("'<f4'", "False", "(1, 2)"), floats(3, 4), version), "x").dims).toEqual([1, 2]);
});

describe("errors say what came, and how to convert", () => {
  const convert = "Convert it in Python: np.save(path, x.astype('float32')).";
  const ints = (...values: bigint[]) => new Uint8Array(BigInt64Array.from(values).buffer);
  const doubles = (...values: number[]) => new Uint8Array(Float64Array.from(values).buffer);
  const good = npy(header("'<f4'", "False", "(2,)"), floats(1, 2));
  test.each([
    ["other content", latin1("hello"), "expected a .npy file, got other content."],
    [
      "complex numbers",
      npy(header("'<c8'", "False", "(1,)"), floats(1, 2)),
      `expected numbers of type float16, float32, float64, bool, int8, uint8, int16, uint16, int32, uint32, int64, uint64, got '<c8'. ${convert}`,
    ],
    ...["'<f3'", "'f4'", "'<U1'", "'|O'", "'<M8[ns]'", "'!f4'", "'toString'", "'<'"].map(
      (descr): [string, Uint8Array, string] => [
        `type ${descr}`,
        npy(header(descr, "False", "(2,)"), floats(1, 2)),
        `got ${descr}. ${convert}`,
      ],
    ),
    [
      "an integer that float32 has not",
      npy(header("'<i8'", "False", "(2,)"), ints(7n, 2n ** 24n + 1n)),
      "x.npy': expected numbers that float32 holds, got the int64 16777217 at position 1.",
    ],
    [
      "an integer beyond all doubles",
      npy(header("'<i8'", "False", "(1,)"), ints(-(2n ** 53n) - 1n)),
      "got the int64 -9007199254740993 at position 0.",
    ],
    [
      "a double that is too large",
      npy(header("'<f8'", "False", "(1,)"), doubles(1e39)),
      "expected numbers that float32 holds, got the float64 1e+39 at position 0.",
    ],
    ["structured", npy(header("[('a', '<f4')]", "False", "(2,)"), floats(1, 2)), "got 'a structured type'."],
    [
      "cut off in the values",
      good.subarray(0, -1),
      "expected 8 bytes of values for shape [2], got 7. The file is cut off or damaged: save it again.",
    ],
    ["cut off in the header", good.subarray(0, 30), "expected a whole .npy header, got a file cut off after 30 bytes."],
    ["cut off in the version", good.subarray(0, 6), "got a file cut off after 6 bytes."],
    [
      "too many values",
      npy(header("'<f4'", "False", "(1,)"), floats(1, 2)),
      "expected 4 bytes of values for shape [1], got 8.",
    ],
    ["a later version", npy("{}", floats(), 4), "expected .npy version 1, 2 or 3, got version 4."],
    [
      "a header of 70000 bytes",
      npy("{}".padEnd(70000), floats(), 2),
      "expected a .npy header of at most 65536 bytes, got 70000.",
    ],
    ...["(1 2)", "(,)", "(1,,2)", "(-2,)", "(1.5,)", "2"].map((shape): [string, Uint8Array, string] => [
      `shape ${shape}`,
      npy(header("'<f4'", "False", shape), floats(1, 2)),
      "expected a .npy header with descr, fortran_order and shape, got another.",
    ]),
    [
      "an empty header",
      npy("{}", floats()),
      "expected a .npy header with descr, fortran_order and shape, got another.",
    ],
  ])("%s", (_, bytes, message) => expect(() => readNpy(bytes, "x.npy")).toThrow(message));
});

describe("archives", () => {
  const one = writeNpy({ data: Float32Array.of(1, 2), dims: [2] });
  const several = zipSync({ "a.npy": one, "b.npy": one });

  test("what is damaged or cut off is refused", () => {
    for (const bytes of [several.subarray(0, 60), several.subarray(0, -9), several.map((v, i) => (i === 40 ? ~v : v))])
      expect(() => readArray(bytes, "x.npz", "a")).toThrow(/^file 'x.npz': expected a/);
  });

  test("of several arrays, one must have the name of the model's input", () => {
    expect(readArray(several, "x.npz", "b").dims).toEqual([2]);
    expect(() => readArray(several, "x.npz", "input")).toThrow(
      "file 'x.npz': expected one array, or one that is named 'input', as the model's input is, got 'a', 'b'. " +
        "Save that array alone: np.save('input.npy', x).",
    );
    expect(() => readArray(several, "x.npz")).toThrow("expected one array, got 'a', 'b'.");
  });

  test("what would unpack to very much is not unpacked", () => {
    const bomb = Buffer.from(zipSync({ "a.npy": new Uint8Array(9) }));
    bomb.writeUInt32LE(2 ** 28 + 1, bomb.indexOf("PK\x01\x02", 0, "latin1") + 24);
    expect(() => readArray(bomb, "x.npz")).toThrow(
      "expected at most 268435456 bytes in a compressed array, got 268435457.",
    );
    // A number of files that would take hours to go through, as one of zip64.
    const many = Buffer.concat([bomb.subarray(0, -22), Buffer.alloc(56 + 20), bomb.subarray(-22)]);
    const [record, locator] = [bomb.length - 22, bomb.length + 34];
    many.writeUInt32LE(0x06064b50, record);
    many.writeUInt32LE(2 ** 32 - 1, record + 32);
    many.writeUInt32LE(0x07064b50, locator);
    many.writeUInt32LE(record, locator + 8);
    expect(() => readArray(many, "x.npz")).toThrow("expected at most 4096 arrays, got more.");
  });
});
