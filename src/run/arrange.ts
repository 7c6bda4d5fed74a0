import { blockLoops } from "../base/loops.ts";
import { numbersIn } from "../base/packed.ts";
import type { Constant } from "../base/tensor.ts";
import type { Kernels } from "../kernels.gen.ts";
import { type Arrangement, isPlain, mapped, partsOf, slopesOf } from "../program/arrange.ts";

/**
 * Makes a weight of its source, by kernels: a part of the rows is copied to `part`, mapped there, and moved to `to`.
 * What the rows do not reach stays as it is.
 */
export function arrange(
  kernels: Kernels,
  memory: WebAssembly.Memory,
  source: Constant,
  arrangement: Arrangement,
  part: number,
  to: number,
): void {
  const slopes = slopesOf(arrangement.map);
  for (const { begin, end, blocks } of partsOf(arrangement)) {
    const numbers = new Float32Array(memory.buffer, part, end - begin);
    numbers.set(numbersIn(source, begin, end));
    if (!slopes) mapped(numbers, arrangement.map);
    else if (!isPlain(slopes)) kernels.slopeForward(part, part, numbers.length, ...slopes);
    for (const block of blocks) {
      for (const { dims, starts, strides } of blockLoops(block)) {
        const [[d0, d1, d2, d3], [y0, y1, y2, y3], [x0, x1, x2, x3]] = [dims, ...strides];
        const [y, x] = [to + 4 * starts[0], part + 4 * starts[1]];
        kernels.copyBlock(x, y, d0, d1, d2, d3, x0, x1, x2, x3, y0, y1, y2, y3);
      }
    }
  }
}
