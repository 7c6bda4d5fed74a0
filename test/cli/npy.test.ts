import { describe, expect, test } from "vitest";
import { readNpy, writeNpy } from "../../src/cli/npy.ts";

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
  const convert = "Convert it in Python: np.save(path, np.ascontiguousarray(x, dtype='<f4')).";
  const good = npy(header("'<f4'", "False", "(2,)"), floats(1, 2));
  test.each([
    ["other content", latin1("hello"), "expected a .npy file, got other content."],
    [
      "doubles",
      npy(header("'<f8'", "False", "(1,)"), floats(1, 2)),
      `expected float32 values, little endian ('<f4'), got '<f8'. ${convert}`,
    ],
    ["big endian", npy(header("'>f4'", "False", "(2,)"), floats(1, 2)), `got '>f4'. ${convert}`],
    ["bytes", npy(header("'|u1'", "False", "(8,)"), floats(1, 2)), "got '|u1'."],
    ["structured", npy(header("[('a', '<f4')]", "False", "(2,)"), floats(1, 2)), "got 'a structured type'."],
    [
      "Fortran order",
      npy(header("'<f4'", "True", "(1, 2)"), floats(1, 2)),
      `expected values in C order, got Fortran order. ${convert}`,
    ],
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
