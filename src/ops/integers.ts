import { demand } from "../base/complaint.ts";
import { LrpError } from "../base/error.ts";
import { type Constant, type ElementType, isInteger, LARGEST_INTEGER, rangeOf, type Wide } from "../base/tensor.ts";
import { type Node, whereIs } from "../graph/graph.ts";
import type { Emitter } from "../program/emitter.ts";
import type { Value } from "../program/step.ts";

/*
 * Integers that are computed. They are float32 while a network runs, and double in constants; where these cannot tell
 * one from its neighbour, that is an error, and never another number.
 */

/** The numbers from which on doubles skip some. */
const LARGEST_DOUBLE = 2 ** 53;
/** Exporters write the largest of 64 bits for "to the end", which is this as a double. */
const END = 2 ** 63;

/**
 * Those of few bits that are beyond the range of their type go on from its other end, as in C.
 * @param most from which on they cannot be told apart
 * @param span how many numbers a type may have that goes on so
 * @returns the position of the first that is lost, or −1
 */
export function settle(data: Wide["data"], type: ElementType, most: number, span = most): number {
  const [low, high] = rangeOf(type);
  const count = high - low + 1;
  for (let i = 0; i < data.length; i++) {
    const v = data[i];
    const isKnown = Math.abs(v) < most;
    if (isKnown && v >= low && v <= high) continue;
    if (isKnown && count <= span) data[i] = v - count * Math.floor((v - low) / count);
    else if (Math.abs(v) !== END || high < LARGEST_DOUBLE - 1) return i;
  }
  return -1;
}

const within = (type: ElementType, most: number): string => {
  const [low, high] = rangeOf(type);
  return `integers from ${Math.max(low, 1 - most)} to ${Math.min(high, most - 1)}`;
};

/** What was computed of constants. @throws Complaint where it is lost */
export function settledConstant(constant: Constant): Constant {
  const { type, data } = constant;
  if (!isInteger(type)) return constant;
  const own = Float64Array.from(data);
  const at = settle(own, type, LARGEST_DOUBLE);
  demand(at < 0, "unsupported", within(type, LARGEST_DOUBLE), `${data[at]}`);
  return { ...constant, data: own };
}

/** A step that looks at what a node has computed. It throws an LrpError "unsupported" where that is lost. */
export function settleValue(e: Emitter, y: Value, type: ElementType, node: Node): Value {
  if (isInteger(type))
    e.host("integers", [y], (data) => {
      const at = settle(data, type, LARGEST_INTEGER);
      if (at >= 0)
        throw new LrpError("unsupported", {
          where: whereIs(node),
          expected: within(type, LARGEST_INTEGER),
          received: `${data[at]}`,
          fix: "Integers are computed in float32, which has all of them up to 2^24.",
        });
    });
  return y;
}
