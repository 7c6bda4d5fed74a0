import { type Constant, type Dims, size } from "../../base/tensor.ts";
import type { Operands } from "../../graph/graph.ts";
import type { ConvAttributes } from "./geometry.ts";
import type { Axis } from "./window.ts";

/** The channels of a convolution: of its picture, and of what it gives. */
interface Channels {
  readonly c: number;
  readonly m: number;
}

/** Places along one axis that a weight joins: in the picture, in what the convolution gives, in the kernel. */
type Joined = readonly (readonly [at: number, out: number, tap: number])[];

function joined({ length, kernel, stride, dilation, before, out, trimmed }: Axis): Joined {
  const taps = Array.from({ length: kernel }, (_, k) => k);
  return Array.from({ length: out }, (_, o) =>
    taps
      .map((k) => [o * stride - before + k * dilation, o, k + (trimmed?.skip ?? 0)] as const)
      .filter(([at]) => at >= 0 && at < length),
  ).flat();
}

/** Calls `each` for every product of one sample, with its places in picture, result and weight. */
function products(
  { group, volume }: ConvAttributes,
  { c, m }: Channels,
  each: (picture: number, result: number, weight: number) => void,
): void {
  const [d, h, w] = volume!;
  const [depths, rows, columns] = [d, h, w].map(joined);
  const kernels = [d, h, w].map(({ kernel, trimmed }) => trimmed?.kernel ?? kernel);
  const width = c / group;
  for (let o = 0; o < m; o++)
    for (let i = 0; i < width; i++) {
      const channel = Math.floor(o / (m / group)) * width + i;
      for (const [z, oz, kz] of depths)
        for (const [y, oy, ky] of rows)
          for (const [x, ox, kx] of columns)
            each(
              ((channel * d.length + z) * h.length + y) * w.length + x,
              ((o * d.out + oz) * h.out + oy) * w.out + ox,
              (((o * width + i) * kernels[0] + kz) * kernels[1] + ky) * kernels[2] + kx,
            );
    }
}

/** What a convolution of constants gives, or its transpose; summed in double precision. */
export function convolved(
  [x, w, b]: readonly (Constant | undefined)[],
  a: ConvAttributes,
  dims: Dims,
  isTransposed: boolean,
): Constant[] {
  const [n, channels, ...spatial] = dims;
  const [place, from] = [size(spatial), x!.data.length / n];
  const [c, m] = isTransposed ? [channels, x!.dims[1]] : [x!.dims[1], channels];
  const y = Float64Array.from({ length: size(dims) }, (_, i) => b?.data[Math.floor(i / place) % channels] ?? 0);
  for (let sample = 0; sample < n; sample++) {
    const [first, start] = [sample * from, sample * channels * place];
    products(a, { c, m }, (picture, result, weight) => {
      const [read, write] = isTransposed ? [result, picture] : [picture, result];
      y[start + write] += x!.data[first + read] * w!.data[weight];
    });
  }
  return [{ type: x!.type, dims, data: Float32Array.from(y) }];
}

/** Products of a convolution of constants: what folding it costs. */
export const productsOf = ([x, w]: Operands, out: Dims): number =>
  Math.max(size(x!.dims.slice(2)), size(out.slice(2))) * out[0] * size(w!.dims);
