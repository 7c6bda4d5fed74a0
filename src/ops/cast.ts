import { demand } from "../base/complaint.ts";
import { LrpError } from "../base/error.ts";
import {
  type ElementType,
  elementType,
  isFloat,
  isInteger,
  isSmall,
  isTiny,
  numbersFor,
  rangeOf,
  typeCode,
  typeName,
  type Wide,
} from "../base/tensor.ts";
import { whereIs } from "../graph/graph.ts";
import { settle } from "./integers.ts";
import { type AttributeReader, NONE, type None, type Op } from "./op.ts";
import { PASSES } from "./says.ts";

/** Whether all numbers of one type are numbers of the other. */
function holds(to: ElementType, from: ElementType): boolean {
  const [[low, high], [least, most]] = [rangeOf(to), rangeOf(from)];
  return isFloat(to) || (!isFloat(from) && low <= least && most <= high);
}

/**
 * Puts numbers of one type in the place of those of another: floating point is cut off, integers of too many bits lose
 * the upper ones.
 * @param span as `settle` has it
 * @returns the position of the first that has no such number, or −1
 */
function castTo(to: ElementType, from: ElementType, x: Wide["data"], y: Wide["data"], span: number): number {
  for (let i = 0; i < y.length; i++)
    y[i] = to === "bool" ? Number(x[i] !== 0) : isInteger(to) ? Math.trunc(x[i]) : x[i];
  return isInteger(to) ? settle(y, to, Infinity, isFloat(from) ? 0 : span) : -1;
}

interface CastAttributes {
  readonly to: ElementType;
}

const expected = (to: ElementType) => `numbers that ${to} holds`;

function targetOf(read: AttributeReader): ElementType {
  // Until opset 5 it is a name.
  const code = read.opset < 6 ? typeCode(read.string("to", "")) : read.int("to", 0);
  const to = elementType(code);
  demand(to && !isTiny(to), "unsupported", "a cast to floats of 16 bits or more, integers, or bool", typeName(code));
  return to;
}

/** Floats stay what they are in single precision. Source: ONNX Cast-13. */
export const cast: Op<CastAttributes> = {
  type: "Cast",
  family: "route",
  summary: PASSES,
  takes: "input:any",
  anyType: true,
  attributes(read) {
    read.ignore("saturate", "round_mode");
    return { to: targetOf(read) };
  },
  infer([x], { to }) {
    // How numbers become so few bits is told differently.
    const fits = !isSmall(to) || !isFloat(x!.type);
    demand(fits, "unsupported", `a cast of integers to ${to}`, `one of ${x!.type}`);
    return { dims: [x!.dims], types: [to] };
  },
  fold([x], { to }) {
    const data = numbersFor(to, x!.data.length);
    const at = castTo(to, x!.type, x!.data, data, 2 ** 53);
    demand(at < 0, "unsupported", expected(to), `${x!.data[at]}`);
    return [{ type: to, dims: x!.dims, data }];
  },
  node: ({ node, inputs: [input], outputs: [{ name }], attributes: { to } }) => ({
    kind: "route",
    run(e, at) {
      const x = at.x(0);
      if (holds(to, input!.type)) return [x];
      const y = e.temp(name, x.dims, x.layout);
      e.host("Cast", [x, y], (from, target) => {
        const lost = castTo(to, input!.type, from, target, 2 ** 16);
        if (lost < 0) return;
        throw new LrpError("usage", { where: whereIs(node), expected: expected(to), received: `${from[lost]}` });
      });
      return [y];
    },
    vjp: (_e, _at, r) => [r],
  }),
  // Of so few bits the upper ones may be lost.
  nonnegative: ([x], { to }) => x && to !== "int8" && to !== "int16",
};

/** To the type of the second input. Source: ONNX CastLike-15. */
export const castLike: Op<None> = {
  type: "CastLike",
  family: "route",
  summary: PASSES,
  takes: "input:any target_type:any1",
  attributes(read) {
    read.ignore("saturate", "round_mode");
    return NONE;
  },
  instead: ([, like], _a, node) => [
    { ...node, type: "Cast", inputs: node.inputs.slice(0, 1), attributes: { to: like!.type } satisfies CastAttributes },
  ],
};
