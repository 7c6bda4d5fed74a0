import type { Graph, Node } from "../graph/graph.ts";
import type { LrnAttributes } from "../ops/lrn.ts";
import type { PoolAttributes } from "../ops/windows.ts";

/** What the file says of a node's window, as far as it is not ONNX's default. */
export type NodeSettings = Readonly<Record<string, number | string | readonly number[]>>;

const isOther = (than: number) => (values: readonly number[] | undefined) => values?.some((v) => v !== than);
const [isNotOne, isNotZero] = [isOther(1), isOther(0)];

/** The windows of convolutions, pools and LRN; undefined for other nodes. */
export function settingsOf({ dims }: Graph, { type, inputs, attributes }: Node): NodeSettings | undefined {
  if (type === "LRN") return { ...(attributes as LrnAttributes) };
  const { window, group = 1 } = (attributes ?? {}) as Partial<PoolAttributes> & { readonly group?: number };
  if (!window) return undefined;
  const { strides, dilations, pads, autoPad } = window;
  const kernel = window.kernel ?? dims.get(inputs[1])?.slice(2);
  return {
    ...(kernel && { kernel }),
    ...(isNotOne(strides) && { strides: strides! }),
    ...(isNotOne(dilations) && { dilations: dilations! }),
    ...(isNotZero(pads) && { pads: pads! }),
    ...(autoPad !== "NOTSET" && { autoPad }),
    ...(group > 1 && { group }),
  };
}
