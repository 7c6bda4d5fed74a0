import {
  averagePool2d,
  batchNormalization,
  clip,
  conv2d,
  dense,
  flatten,
  globalAveragePool,
  leakyRelu,
  lrn,
  maxPool2d,
  network,
  type Network,
  op,
  relu,
  sequential,
  softmax,
  tanh,
} from "../../src/entries/index.ts";
import { tensor } from "../random.ts";

/*
 * Small networks of every kind, for what holds in all of them.
 */

export interface Net {
  readonly name: string;
  readonly dims: readonly number[];
  readonly source: Network;
  readonly hasLrn?: true;
}

/** Weights as a network has them at the start of its training. */
function he(dims: readonly number[], seed: number) {
  const scale = Math.sqrt(6 / dims.slice(1).reduce((a, b) => a * b, 1));
  return tensor(dims, seed, -scale, scale);
}
const bias = (m: number, seed: number) => tensor([m], seed, -0.2, 0.2);

const plain: Net = {
  name: "convolutions and pools",
  dims: [2, 3, 11, 9],
  source: sequential({ input: [3, 11, 9] }, [
    conv2d({ weight: he([5, 3, 3, 3], 1), bias: bias(5, 2), pads: 1 }),
    relu(),
    maxPool2d({ kernel: 3, strides: 2, ceil: true }),
    conv2d({ weight: he([7, 5, 3, 2], 3), bias: bias(7, 4), strides: 2 }),
    relu(),
    flatten(),
    dense({ weight: he([9, 28], 5), bias: bias(9, 6) }),
    relu(),
    dense({ weight: he([4, 9], 7), bias: bias(4, 8) }),
  ]),
};

const normalized: Net = {
  name: "local response normalization",
  dims: [2, 3, 9, 9],
  hasLrn: true,
  source: sequential({ input: [3, 9, 9] }, [
    conv2d({ weight: he([6, 3, 3, 3], 1), bias: bias(6, 2), pads: 1 }),
    relu(),
    lrn({ size: 5, alpha: 2 }),
    maxPool2d({ kernel: 2 }),
    conv2d({ weight: he([5, 6, 3, 3], 3), bias: bias(5, 4) }),
    relu(),
    lrn({ size: 3, alpha: 5, region: "spatial" }),
    averagePool2d({ kernel: 2 }),
    flatten(),
    dense({ weight: he([3, 5], 5), bias: bias(3, 6) }),
  ]),
};

const mobile: Net = {
  name: "depthwise convolutions, Clip, a mean, a convolution as the head",
  dims: [2, 3, 8, 10],
  source: sequential({ input: [3, 8, 10] }, [
    conv2d({ weight: he([8, 3, 3, 3], 1), bias: bias(8, 2), strides: 2, pads: [0, 0, 1, 1] }),
    clip({ min: 0, max: 6 }),
    conv2d({ weight: he([8, 1, 3, 3], 3), bias: bias(8, 4), group: 8, pads: 1 }),
    clip({ min: 0, max: 6 }),
    conv2d({ weight: he([9, 8, 1, 1], 5), bias: bias(9, 6) }),
    leakyRelu(),
    conv2d({ weight: he([6, 3, 2, 2], 7), group: 3 }),
    tanh(),
    globalAveragePool(),
    conv2d({ weight: he([4, 6, 1, 1], 9), bias: bias(4, 10) }),
  ]),
};

const bn = (c: number, seed: number) =>
  batchNormalization({
    scale: tensor([c], seed, 0.5, 1.5),
    shift: tensor([c], seed + 1),
    mean: tensor([c], seed + 2),
    variance: tensor([c], seed + 3, 0.5, 2),
  });

const residual: Net = {
  name: "skip connections, concatenation, BatchNormalization, softmax",
  dims: [2, 3, 8, 7],
  source: network({
    inputs: { x: ["n", 3, 8, 7] },
    build(g, { x }) {
      const r1 = g.chain(x, conv2d({ weight: he([6, 3, 3, 3], 1), pads: 1 }), bn(6, 10), relu());
      const n2 = g.chain(r1, conv2d({ weight: he([6, 6, 3, 3], 2), pads: 1 }), bn(6, 20));
      const r2 = g.chain(g.node(op("Add"), n2, r1), relu());
      const c3 = g.chain(r2, bn(6, 30), relu(), conv2d({ weight: he([5, 6, 3, 3], 3), pads: 1, strides: 2 }));
      const p = g.node(averagePool2d({ kernel: 3, strides: 2, pads: 1 }), r2);
      const head = [globalAveragePool(), flatten(), dense({ weight: he([4, 11], 4), bias: bias(4, 5) }), softmax()];
      return { y: g.chain(g.node(op("Concat", { axis: 1 }), c3, p), ...head) };
    },
  }),
};

const constants: Net = {
  name: "constants that are added, subtracted, multiplied, padded, concatenated",
  dims: [2, 2, 5, 6],
  source: network({
    inputs: { x: [2, 2, 5, 6] },
    build(g, { x }) {
      const map = tensor([1, 2, 5, 6], 3, 0.5, 1.5);
      const b = g.chain(x, relu(), op("Add", {}, map), relu());
      const d = g.node(op("Sum"), g.node(op("Sub"), map, b), b, tensor([6], 4));
      const three = { dims: [], data: Float32Array.of(3) };
      const h = g.chain(
        d,
        op("Mul", {}, map),
        op("Pad", {}, [0, 0, 1, 0, 0, 0, 0, 1], three),
        conv2d({ weight: tensor([3, 2, 3, 3], 5), bias: bias(3, 6) }),
      );
      const k = g.node(op("Concat", { axis: 1 }), h, tensor([2, 2, 4, 5], 7));
      const l = g.node(op("Gather", { axis: 1 }), k, [0, 4, 2, 2, 1, 3]);
      return { y: g.chain(l, flatten(), op("MatMul", {}, tensor([120, 3], 8))) };
    },
  }),
};

export const nets: readonly Net[] = [plain, normalized, mobile, residual, constants];
