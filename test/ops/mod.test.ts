import { describe, expect, test } from "vitest";
import { loadInMode } from "../modes.ts";
import { onnx } from "../onnx-writer.ts";
import { tensor } from "../random.ts";
import { expectClose } from "../close.ts";
import { broadcastAt, positions } from "../reference/linear.ts";

const INT64 = 7;

describe("Mod", () => {
  const [left, right] = [
    [2, 3, 5],
    [3, 1],
  ];
  const a = tensor(left, 3, -9, 9);
  const b = { dims: right, data: Float32Array.of(2.5, -3, 4) };
  const of = (f: (a: number, b: number) => number, round = (v: number) => v) =>
    positions(left).map((p, i) => f(round(a.data[i]), round(b.data[broadcastAt(right, left, p)])));
  const file = (
    fmod: number,
    types?: Record<string, number>,
    constants: Parameters<typeof onnx>[0]["initializers"] = {},
  ) =>
    onnx({
      nodes: [{ type: "Mod", inputs: ["a", "b"], outputs: ["y"], attributes: fmod ? { fmod } : {} }],
      inputs: Object.fromEntries(Object.entries({ a: left, b: right }).filter(([name]) => !(name in constants))),
      initializers: constants,
      outputs: { y: [] },
      types,
    });

  test("of floats has the sign of the first, as C's fmod, and slopes 1 and −⌊a / b⌉", async () => {
    using model = await loadInMode(file(1));
    expectClose(
      model.predict({ a, b }).output.data,
      of((u, v) => u - v * Math.trunc(u / v)),
      1e-5,
    );
    expect(() => model.explain({ a, b })).toThrow("a periodic function");
    const target = new Float32Array(30).fill(1);
    const { inputs } = model.explain({ a, b }, { target, start: "one", unknown: "gradient", composite: "gradient" });
    expect([...inputs.a.data]).toEqual([...target]);
    const slopes = [0, 1, 2].map((k) =>
      of((u, v) => (v === b.data[k] ? -Math.trunc(u / v) : 0)).reduce((sum, v) => sum + v, 0),
    );
    expectClose(inputs.b.data, slopes, 1e-6);
  });

  test.each([0, 1])("of integers, fmod %i", async (fmod) => {
    const types = { a: INT64, b: INT64, y: INT64 };
    const expected = of((u, v) => u - v * (fmod ? Math.trunc(u / v) : Math.floor(u / v)), Math.trunc).map((v) => v + 0);
    const [x, y] = [a, b].map(({ dims, data }) => ({ dims, data: Array.from(data, Math.trunc) }));
    using computed = await loadInMode(file(fmod, types));
    expect([...computed.predict({ a: x, b: y }).output.data].map((v) => Number(v) + 0)).toEqual(expected);
    using beside = await loadInMode(file(fmod, types, { b: y }));
    expect([...beside.predict({ a: x }).output.data].map((v) => Number(v) + 0)).toEqual(expected);
    expect(() => computed.predict({ a: x, b: { dims: right, data: [0, 1, 2] } })).toThrow(
      "divisors other than 0, got 0",
    );
    await expect(loadInMode(file(fmod, types, { b: { dims: right, data: [0, 1, 2] } }))).rejects.toThrow(
      "divisors other than 0, got 0",
    );
  });

  test("of floats without fmod is none of ONNX's", async () => {
    await expect(loadInMode(file(0))).rejects.toThrow("node 'y' (Mod): expected fmod = 1 beside floats, got 0");
  });
});

test("CastLike is a Cast to the type of another value", async () => {
  const source = onnx({
    nodes: [
      { type: "CastLike", inputs: ["x", "like"], outputs: ["i"] },
      { type: "CastLike", inputs: ["i", "x"], outputs: ["f"] },
      { type: "CastLike", inputs: ["x", "b"], outputs: ["c"] },
      { type: "Not", inputs: ["c"], outputs: ["y"] },
    ],
    initializers: { like: { dims: [], data: [3] }, b: { dims: [1], data: [true] } },
    inputs: { x: [1, 4] },
    outputs: { f: [], y: [] },
    types: { y: 9 },
  });
  using model = await loadInMode(source);
  const { f, y } = model.predict({ dims: [1, 4], data: Float32Array.of(-1.75, 0, 0.5, 2.25) }).outputs;
  expect([...f.data]).toEqual([-1, 0, 0, 2]);
  expect([...y.data].map(Number)).toEqual([0, 1, 0, 0]);
});
