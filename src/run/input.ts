import { Budget } from "../base/budget.ts";
import { type Code, LrpError } from "../base/error.ts";
import { type Port, UNSTATED } from "../graph/graph.ts";
import type { Given } from "../infer/infer.ts";
import {
  type Dims,
  type ElementType,
  firstNonFinite,
  isFloat,
  isFloat32,
  isTyped,
  LARGEST_INTEGER,
  rangeOf,
  shapeText,
  size,
} from "../base/tensor.ts";

/**
 * A tensor as a caller has it: a typed array of any kind whose numbers fit the type that the network takes, or where
 * that is integers or booleans, any array of them.
 */
export interface InputTensor {
  readonly data: ArrayLike<number> | ArrayLike<bigint> | ArrayLike<boolean>;
  readonly dims: Dims;
}

/** What a network runs on: a tensor, or where it has several inputs, a tensor for each name. */
export type Input = InputTensor | Readonly<Record<string, InputTensor>>;

/** Dims of the first input, or of several by name. */
export type Shapes = Dims | Readonly<Record<string, Dims>>;

/** Whether a file leaves dims out. */
export const isUnstated = (dims: Port["dims"]): boolean => dims.length === 1 && dims[0] === UNSTATED;

/** Whether this is one tensor. Inputs, too, may have the names "data" and "dims". */
export function isTensor(input: object): input is InputTensor {
  if (!("data" in input && "dims" in input)) return false;
  const { dims } = input;
  return typeof dims !== "object" || dims === null || !("dims" in dims);
}

/** What to do about dims that do not fit. */
function dimsFix({ dims, type }: Port, given: unknown): string | undefined {
  if (Array.isArray(given) && given.length === dims.length - 1 && typeof dims[0] === "string")
    return `The first axis counts samples: one has the dims ${shapeText([1, ...given], "")}.`;
  return isFloat(type) && dims.length > 2 ? "preprocess() makes an input of that shape from a picture." : undefined;
}

/** @throws LrpError code "shape" when dims do not fit what the network takes */
export function checkDims(port: Port, given: Dims): void {
  const { name, dims, type } = port;
  const fits =
    Array.isArray(given) &&
    (isUnstated(dims) || given.length === dims.length) &&
    given.every((d, i) => Number.isInteger(d) && d >= 0 && (typeof dims[i] !== "number" || d === dims[i]));
  if (fits) return;
  throw new LrpError("shape", {
    where: `input '${name}'`,
    expected: shapeText(dims, type),
    received: shapeText(Array.isArray(given) ? given : ["?"], type),
    fix: dimsFix(port, given),
  });
}

/** Whether a number is one of a type's. What the type allows is read once, not for every number. */
function memberOf(type: ElementType): (v: number) => boolean {
  const [low, high] = type === "float64" ? [-Number.MAX_VALUE, Number.MAX_VALUE] : rangeOf(type);
  const isReal = isFloat(type);
  return (v) => v >= low && v <= high && (isReal || Number.isInteger(v));
}

/** Which floats an input may have: all, or those that are numbers. */
export type Floats = "any" | "finite";

/** Numbers as the kernels take them. */
function numbers(
  { name, type }: Port,
  data: InputTensor["data"],
  count: number,
  floats: Floats,
  budget: Budget,
): Float32Array {
  const refuse = (code: Code, expected: string, received: string) =>
    new LrpError(code, { where: `input '${name}'`, expected, received });
  const isReal = isFloat(type);
  const fits = isTyped(data) || (!isReal && typeof data === "object" && data !== null && "length" in data);
  if (!fits || data.length !== count) {
    const array = isReal ? `a Float32Array of ${count} numbers` : `an array of ${count} numbers`;
    throw refuse("shape", array, `${data?.constructor?.name ?? typeof data} of ${data?.length ?? 0}`);
  }
  if (type === "float32" && isFloat32(data)) {
    const bad = floats === "any" ? -1 : firstNonFinite(data);
    if (bad >= 0) throw refuse("usage", "finite numbers", `${data[bad]} at position ${bad}`);
    return data;
  }
  const isMember = memberOf(type);
  const [least, most] = rangeOf(type);
  const [low, high] = isReal ? [least, most] : [Math.max(least, -LARGEST_INTEGER), Math.min(most, LARGEST_INTEGER)];
  const isFree = isReal && floats === "any";
  budget.where = `input '${name}'`;
  budget.fits(4 * count);
  const list = new Float32Array(count);
  for (let i = 0; i < count; i++) {
    const v = Number(data[i]);
    if (!(v >= low && v <= high && isMember(v)) && !(isFree && !Number.isFinite(v))) {
      const expected = isReal ? `finite numbers up to ±${high}` : `integers from ${low} to ${high}`;
      throw refuse(isMember(v) ? "unsupported" : "usage", expected, `${data[i]} at position ${i}`);
    }
    list[i] = v;
  }
  return list;
}

function checkInput(port: Port, input: unknown, floats: Floats, budget: Budget): Required<Given> {
  const where = `input '${port.name}'`;
  if (input === null || typeof input !== "object")
    throw new LrpError("usage", { where, expected: "a tensor { data, dims }", received: String(input) });
  if (!("data" in input && "dims" in input))
    throw new LrpError("usage", {
      where,
      expected: "a tensor { data, dims }",
      received: "data" in input ? "one without dims" : Array.isArray(input) ? "an array" : "an object without data",
      fix: Array.isArray(input)
        ? "An array of rows is given as { data: rows.flat(), dims: [rows.length, rows[0].length] }."
        : "A TensorFlow.js tensor t is given as { data: t.dataSync(), dims: t.shape }.",
    });
  const { data, dims } = input as InputTensor;
  checkDims(port, dims);
  return { dims, data: numbers(port, data, size(dims), floats, budget) };
}

/**
 * The dims and numbers of every input, if they are all there: right shapes, and numbers of their types.
 * @param budget what a copy in single precision has room in
 */
export function checkInputs(
  ports: readonly Port[],
  input: Input,
  floats: Floats = "finite",
  budget: Budget = new Budget(),
): ReadonlyMap<string, Required<Given>> {
  const named = typeof input === "object" && input !== null && !isTensor(input);
  if (ports.length === 1 && !(named && Object.hasOwn(input, ports[0].name)))
    return new Map([[ports[0].name, checkInput(ports[0], input, floats, budget)]]);
  const given = named ? Object.keys(input).sort() : ["a single tensor"];
  const wanted = ports.map((port) => port.name);
  if (given.join() !== [...wanted].sort().join())
    throw new LrpError("usage", {
      where: "the inputs",
      expected: `tensors by name: ${wanted.join(", ")}`,
      received: given.join(", ") || "none",
    });
  return new Map(
    ports.map((port) => [
      port.name,
      checkInput(port, (input as Readonly<Record<string, unknown>>)[port.name], floats, budget),
    ]),
  );
}
