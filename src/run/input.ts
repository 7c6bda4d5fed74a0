import { LrpError } from "../error.ts";
import type { Port } from "../graph/graph.ts";
import { type Dims, firstNonFinite, shapeText, size, type Tensor } from "../tensor.ts";

/** @throws LrpError code "shape" when dims do not fit what the network takes */
export function checkDims({ name, dims }: Port, given: Dims): void {
  const fits =
    Array.isArray(given) &&
    given.length === dims.length &&
    given.every((d, i) => Number.isInteger(d) && d > 0 && (typeof dims[i] === "string" || d === dims[i]));
  if (!fits) {
    const fix = "preprocess() makes an input of that shape from a picture.";
    throw new LrpError("shape", {
      where: `input '${name}'`,
      expected: shapeText(dims),
      received: shapeText(Array.isArray(given) ? given : ["?"]),
      fix,
    });
  }
}

/** The dims of an input that fits: the right shape, and finite numbers. */
export function checkInput(port: Port, input: Tensor): Dims {
  const { name } = port;
  if (input === null || typeof input !== "object")
    throw new LrpError("usage", { where: `input '${name}'`, expected: "a tensor { data, dims }", received: String(input) });
  const { data, dims: given } = input;
  checkDims(port, given);
  if (!(data instanceof Float32Array) || data.length !== size(given)) {
    throw new LrpError("shape", {
      where: `input '${name}'`,
      expected: `a Float32Array of ${size(given)} numbers`,
      received: `${data?.constructor?.name ?? typeof data} of ${data?.length ?? 0}`,
    });
  }
  const bad = firstNonFinite(data);
  if (bad >= 0)
    throw new LrpError("usage", { where: `input '${name}'`, expected: "finite numbers", received: `${data[bad]} at position ${bad}` });
  return given;
}
