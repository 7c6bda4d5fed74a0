import { LrpError, type Tensor } from "../entries/index.ts";

/*
 * .npy: "\x93NUMPY", major and minor version, the header's length (u16 in version 1, u32 in 2 and 3), the header (a
 * Python dict literal with 'descr', 'fortran_order' and 'shape', padded with spaces), then the values.
 * https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
 */
const MAGIC = "\x93NUMPY";
/** Longer headers than numpy reads itself (`max_header_size`) are of no use here. */
const LONGEST_HEADER = 65536;
const CONVERT = "Convert it in Python: np.save(path, np.ascontiguousarray(x, dtype='<f4')).";

/** Whether bytes begin as a .npy file does. */
export function isNpy(bytes: Uint8Array): boolean {
  return latin1(bytes.subarray(0, MAGIC.length)) === MAGIC;
}

/**
 * The array in a .npy file (versions 1 to 3) of little-endian float32 in C order.
 *
 * @param name how errors name the file
 * @throws LrpError code "usage" when the file holds anything else, is damaged, or is cut off.
 */
export function readNpy(bytes: Uint8Array, name: string): Tensor {
  const fail = (expected: string, received: string, fix?: string) =>
    new LrpError("usage", { where: `file '${name}'`, expected, received, fix });
  if (!isNpy(bytes)) throw fail("a .npy file", "other content");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const version = bytes[6];
  if (version !== undefined && (version < 1 || version > 3))
    throw fail(".npy version 1, 2 or 3", `version ${version}`, CONVERT);
  const start = version === 1 ? 10 : 12;
  const length = bytes.length < start ? Number.NaN : version === 1 ? view.getUint16(8, true) : view.getUint32(8, true);
  if (length > LONGEST_HEADER) throw fail(`a .npy header of at most ${LONGEST_HEADER} bytes`, `${length}`);
  if (!(start + length <= bytes.length))
    throw fail("a whole .npy header", `a file cut off after ${bytes.length} bytes`);
  const { descr, fortran, dims } = parseHeader(latin1(bytes.subarray(start, start + length)));
  if (descr === undefined || fortran === undefined || dims === undefined)
    throw fail("a .npy header with descr, fortran_order and shape", "another", CONVERT);
  if (descr !== "<f4") throw fail("float32 values, little endian ('<f4')", `'${descr}'`, CONVERT);
  if (fortran) throw fail("values in C order", "Fortran order", CONVERT);
  const count = dims.reduce((product, d) => product * d, 1);
  const rest = bytes.subarray(start + length);
  if (rest.length !== 4 * count)
    throw fail(
      `${4 * count} bytes of values for shape [${dims.join(", ")}]`,
      `${rest.length}`,
      "The file is cut off or damaged: save it again.",
    );
  return { data: new Float32Array(new Uint8Array(rest).buffer), dims };
}

/** A tensor as a .npy file: version 1.0, '<f4', C order. */
export function writeNpy({ data, dims }: Tensor): Uint8Array {
  const shape = dims.length === 1 ? `(${dims[0]},)` : `(${dims.join(", ")})`;
  const header = `{'descr': '<f4', 'fortran_order': False, 'shape': ${shape}, }`;
  // The format asks for values at a multiple of 64 bytes, so that they can be memory-mapped.
  const start = Math.ceil((10 + header.length + 1) / 64) * 64;
  const text = `${MAGIC}\x01\x00__${header.padEnd(start - 11)}\n`;
  const bytes = new Uint8Array(start + data.byteLength);
  bytes.set(Uint8Array.from(text, (c) => c.charCodeAt(0)));
  new DataView(bytes.buffer).setUint16(8, start - 10, true);
  bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), start);
  return bytes;
}

function parseHeader(text: string): { descr?: string; fortran?: boolean; dims?: number[] } {
  const descr = /['"]descr['"]\s*:\s*(?:['"]([^'"]*)['"]|\[)/.exec(text);
  const order = /['"]fortran_order['"]\s*:\s*(True|False)/.exec(text)?.[1];
  const shape = /['"]shape['"]\s*:\s*\(\s*((?:\d+\s*,\s*)*(?:\d+\s*)?)\)/.exec(text)?.[1];
  return {
    descr: descr ? (descr[1] ?? "a structured type") : undefined,
    fortran: order === undefined ? undefined : order === "True",
    dims: shape?.match(/\d+/g)?.map(Number) ?? (shape === undefined ? undefined : []),
  };
}

function latin1(bytes: Uint8Array): string {
  return Array.from(bytes, (b) => String.fromCharCode(b)).join("");
}
