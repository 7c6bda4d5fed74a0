import { expect } from "vitest";
import type { Tensor } from "../../src/entries/index.ts";
import { expectClose } from "../close.ts";
import { loadInMode } from "../modes.ts";
import { type FileNode, type FileTensor, onnx } from "../onnx-writer.ts";
import { tensor } from "../random.ts";
import { expectLayer } from "./check.ts";

type Numbers = ArrayLike<number>;

/** One node that reads x and constants, and what it computes by its definition. */
export interface OperatorRow {
  readonly type: string;
  readonly domain?: string;
  readonly attributes?: FileNode["attributes"];
  /** What it reads after x; undefined: left out. */
  readonly parameters?: readonly (FileTensor | undefined)[];
  readonly opset?: number;
  readonly x: readonly number[];
  readonly low?: number;
  readonly high?: number;
  /** Dims of the output. */
  readonly dims: readonly number[];
  /** In double precision. */
  forward(x: Numbers): Numbers;
  /** Σ of what its sums add up, where that is more than the result. */
  readonly scale?: number;
  readonly differentiable?: boolean;
}

export const ints = (...data: number[]): FileTensor => ({ dims: [data.length], data });
export const int = (v: number): FileTensor => ({ dims: [], data: [v] });
export const floats = (...data: number[]): FileTensor => ({ dims: [data.length], data: Float32Array.from(data) });

/** The row as a file. @param before nodes between x and it */
export function fileOf(row: OperatorRow, before: readonly FileNode[] = [], constant?: Tensor): Uint8Array {
  const { type, domain, attributes, parameters = [], opset } = row;
  const names = parameters.map((p, i) => (p ? `p${i}` : ""));
  const given = parameters.flatMap((p, i) => (p ? [[names[i], p] as const] : []));
  const from = constant ? "constant" : (before.at(-1)?.outputs[0] ?? "x");
  const node = { type, domain, attributes, inputs: [from, ...names], outputs: ["y"] };
  const sum = { type: "Add", inputs: ["y", "x"], outputs: ["sum"] };
  return onnx(
    {
      nodes: [...before, node, ...(constant ? [sum] : [])],
      initializers: Object.fromEntries([...given, ...(constant ? [["constant", constant] as const] : [])]),
      inputs: { x: constant ? row.dims : row.x },
      outputs: { [constant ? "sum" : "y"]: [] },
    },
    opset,
  );
}

/** Leaves the numbers as they are, channels last. */
const turned = (x: readonly number[]): FileNode[] =>
  x.length < 3
    ? []
    : [{ type: "MaxPool", attributes: { kernel_shape: x.slice(2).map(() => 1) }, inputs: ["x"], outputs: ["turned"] }];

/** Outputs and gradient, of numbers in either layout; and the same outputs of a constant. */
export async function checkRow(row: OperatorRow): Promise<void> {
  const { x, low, high, dims, forward, scale, differentiable = true } = row;
  const given = tensor(x, 11, low, high);
  for (const before of [[], turned(x)])
    await expectLayer(fileOf(row, before), given, { dims, forward, scale }, { differentiable, batch: false });
  const zeros = { dims, data: new Float32Array(dims.reduce((a, b) => a * b, 1)) };
  using folded = await loadInMode(fileOf(row, [], given), { batch: false });
  const { output } = folded.predict(zeros);
  expect(output.dims).toEqual(dims);
  expectClose(output.data, forward(Float64Array.from(given.data)), 2e-6, scale);
}
