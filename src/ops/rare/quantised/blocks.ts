import type { Budget } from "../../../base/budget.ts";
import { HOST } from "../../../base/budget.ts";
import { demand, insist } from "../../../base/complaint.ts";
import { integersIn } from "../../../base/packed.ts";
import { type Constant, type Dims, type ElementType, isFloat, shapeText, size, widened } from "../../../base/tensor.ts";
import { axisOf, known, type Op } from "../../op.ts";
import { composed } from "../compose.ts";
import { biased } from "../fused/activations.ts";
import { dequantised } from "./packed.ts";
import { standsFor } from "../../says.ts";

/*
 * Weights of a few bits, in blocks that have a scale and a zero point each.
 */

/** The number at a place of a list of bytes, each of which has several; the first lies in the lowest bits. */
const bitsAt = (bytes: Constant["data"], from: number, i: number, bits: number): number =>
  (bytes[from + Math.floor((i * bits) / 8)] >> ((i * bits) % 8)) & (2 ** bits - 1);

function checkBits(bits: number, allowed: readonly number[]): void {
  demand(allowed.includes(bits), "unsupported", `bits ${allowed.join(", ")}`, `${bits}`);
}

function checkBlock(block: number): void {
  const isPower = block >= 16 && Number.isInteger(Math.log2(block));
  demand(isPower, "invalid-model", "a block_size of 16 or more that is a power of 2", `${block}`);
}

/** A constant whose count is known. */
function counted(constant: Constant, name: string, count: number): Constant["data"] {
  demand(size(constant.dims) === count, "shape", `${name} of ${count} numbers`, shapeText(constant.dims, ""));
  return constant.data;
}

interface BitsAttributes {
  readonly k: number;
  readonly n: number;
  readonly bits: number;
  readonly block: number;
}

/**
 * A times a B of few bits, [n, blocks, bytes of a block], each row of which is an output. The activations are not
 * rounded, whatever accuracy_level allows.
 */
const matMulNBits: Op<BitsAttributes> = composed<BitsAttributes>(
  {
    type: "com.microsoft.MatMulNBits",
    summary: standsFor("MatMul with the weight"),
    takes: "A B:integer scales:float1 zero_points:number? g_idx:int? bias?",
    attributes(read) {
      read.ignore("accuracy_level", "weight_prepacked");
      const [k, n, bits, block] = ["K", "N", "bits", "block_size"].map((name) =>
        read.int(name, name === "bits" ? 4 : 0),
      );
      checkBits(bits, [2, 4, 8]);
      checkBlock(block);
      demand(k >= 1 && n >= 1, "invalid-model", "K and N ≥ 1", `${k} and ${n}`);
      return { k, n, bits, block };
    },
  },
  (c, inputs, { k, n, bits, block }, _node, budget) => {
    const [a, b, , , order, bias] = inputs;
    insist(!order, "unsupported", "it has a g_idx, an order of the columns");
    demand(a.dims.at(-1) === k, "shape", `an A of ${k} columns`, shapeText(a.dims, ""));
    demand(b.type === "uint8", "invalid-model", "a B of type uint8", b.type);
    const blocks = Math.ceil(k / block);
    const bytes = counted(known(inputs, 1, "a B")!, "B", (n * blocks * block * bits) / 8) as Uint8Array;
    const scale = counted(known(inputs, 2, "scales")!, "scales", n * blocks);
    const points = known(inputs, 3, "zero points");
    const row = Math.ceil((blocks * bits) / 8);
    const isPacked = points && !isFloat(points.type);
    if (points) counted(points, "zero_points", isPacked ? n * row : n * blocks);
    budget.take(4 * n * blocks, HOST * n * blocks);
    const given = points?.data;
    const zero = new Float32Array(n * blocks).map((_, i) =>
      !given ? 2 ** (bits - 1) : isPacked ? bitsAt(given, Math.floor(i / blocks) * row, i % blocks, bits) : given[i],
    );
    const weight = dequantised({
      dims: [k, n],
      integers: { bytes, bits, type: `uint${bits}` as ElementType },
      ...{ scale, zero, axis: 0, block },
      place: (i) => (i % n) * blocks * block + Math.floor(i / n),
      group: (i) => (i % n) * blocks + Math.floor(Math.floor(i / n) / block),
    });
    return biased(c, c.matMul(a.name, c.constant(weight)), bias);
  },
);

interface GatherAttributes {
  readonly bits: number;
  readonly block: number;
  readonly gatherAxis: number;
  readonly axis: number;
}

/** A table of few bits; of uint8, its last axis has several numbers a byte. */
function table(
  [data, scales, zeros]: readonly (Constant | undefined)[],
  { bits, block, axis: along }: GatherAttributes,
  budget: Budget,
): Constant {
  const isPacked = data!.type === "uint8" && bits < 8;
  const perByte = isPacked ? 8 / bits : 1;
  const dims: Dims = data!.dims.map((d, i) => (i === data!.dims.length - 1 ? d * perByte : d));
  const axis = axisOf(along, dims.length);
  const shape = dims.map((d, i) => (i === axis ? Math.ceil(d / block) : d));
  demand(scales!.dims.join() === shape.join(), "shape", `scales ${shapeText(shape, "")}`, shapeText(scales!.dims, ""));
  const packedZeros = zeros && isPacked;
  const wanted = packedZeros ? shape.map((d, i) => (i === shape.length - 1 ? Math.ceil(d / perByte) : d)) : shape;
  if (zeros)
    demand(
      zeros.dims.join() === wanted.join(),
      "shape",
      `zero_points ${shapeText(wanted, "")}`,
      shapeText(zeros.dims, ""),
    );
  const inner = size(dims.slice(axis + 1));
  const width = shape.at(-1)!;
  const middle = data!.type === "uint8" ? 2 ** (bits - 1) : 0;
  const count = size(shape);
  budget.take(4 * count, HOST * count);
  const given = zeros && widened(zeros).data;
  const zero = new Float32Array(count).map((_, at) =>
    !given
      ? middle
      : packedZeros
        ? bitsAt(given, Math.floor(at / width) * wanted.at(-1)!, at % width, bits)
        : given[at],
  );
  return dequantised({
    dims,
    integers: isPacked ? { ...integersIn(data!), bits, type: `uint${bits}` as ElementType } : integersIn(data!),
    ...{ scale: scales!.data, zero, axis, block },
    group(i) {
      const outer = Math.floor(i / (inner * dims[axis]));
      const at = Math.floor((Math.floor(i / inner) % dims[axis]) / block);
      return (outer * shape[axis] + at) * inner + (i % inner);
    },
  });
}

/** Rows of a table of few bits. */
const gatherBlocks: Op<GatherAttributes> = composed<GatherAttributes>(
  {
    type: "com.microsoft.GatherBlockQuantized",
    summary: standsFor("Gather of the table"),
    takes: "data:integer indices:int scales:float1 zero_points:integer?",
    attributes(read) {
      const [bits, block] = [read.int("bits", 4), read.int("block_size", 128)];
      checkBits(bits, [2, 4, 8]);
      checkBlock(block);
      return { bits, block, gatherAxis: read.int("gather_axis", 0), axis: read.int("quantize_axis", 1) };
    },
  },
  (c, inputs, a, _node, budget) => {
    const [data] = inputs;
    const isKnown = ["uint8", "int4", "uint4"].includes(data.type);
    demand(isKnown, "unsupported", "data of type uint8, int4 or uint4", data.type);
    const constants = [known(inputs, 0, "a table"), known(inputs, 2, "scales"), known(inputs, 3, "zero points")];
    return c.add("Gather", [c.constant(table(constants, a, budget)), inputs[1].name], { axis: a.gatherAxis });
  },
);

/** Sources: com.microsoft's MatMulNBits-1, GatherBlockQuantized-1. */
export const blockwise = [matMulNBits, gatherBlocks] as const;
