import jpeg from "jpeg-js";
import { END, isFrame, joined, jpegSegments, type Part, SCAN } from "../image/parts.ts";
import type { Pixels } from "../image/pixels.ts";
import { orientation } from "./exif.ts";

/** Of tables and restarts, and Adobe's, which says what four colours mean. The others say nothing about pixels. */
const KEPT = [0xc4, 0xdb, 0xdd, 0xee, SCAN, END];
const EXIF = 0xe1;
/** The frames that jpeg-js reads, of Huffman's code: baseline, extended, progressive. */
const FRAMES = [0xc0, 0xc1, 0xc2];
/** Each scan goes over the whole picture, however few bytes it has. Those of encoders are a dozen. */
const MOST_SCANS = 100;

/**
 * The pixels of a JPEG file whose size has been judged.
 *
 * @throws Error that says what is wrong with it
 */
export function jpg(file: Uint8Array): Pixels {
  const segments = [...jpegSegments(file)];
  if (segments.at(-1)?.kind !== END) throw new Error("it is cut off");
  const frames = segments.filter(({ kind }) => isFrame(kind));
  if (frames.length !== 1) throw new Error(`it has ${frames.length} frames: one can be read`);
  checkFrame(frames[0]);
  const scans = segments.filter(({ kind }) => kind === SCAN).length;
  if (scans > MOST_SCANS) throw new Error(`it has ${scans} scans: ${MOST_SCANS} can be read`);
  const read = segments.filter(({ kind }) => KEPT.includes(kind) || isFrame(kind));
  const bytes = joined([file.subarray(0, 2), ...read.map(({ whole }) => whole)]);
  // The frame has been judged, which is all that makes jpeg-js allocate.
  const limits = { maxResolutionInMP: Number.POSITIVE_INFINITY, maxMemoryUsageInMB: Number.POSITIVE_INFINITY };
  const image = jpeg.decode(bytes, { useTArray: true, formatAsRGBA: false, tolerantDecoding: false, ...limits });
  const name = (data: Uint8Array) => String.fromCharCode(...data.subarray(0, 5));
  const exif = segments.find(({ kind, data }) => kind === EXIF && name(data) === "Exif\0");
  return upright(image, exif ? orientation(exif.data.subarray(6)) : 1);
}

/** What the frame says of its colours: their number, bits, and by how much some are finer than others. */
function checkFrame({ kind, data }: Part<number>): void {
  if (!FRAMES.includes(kind))
    throw new Error("it is lossless, arithmetically coded or hierarchical: save it as a usual one");
  const [bits, , , , , colours] = data;
  if (bits !== 8) throw new Error(`it has ${bits} bits per colour: save it with 8`);
  if (![1, 3, 4].includes(colours)) throw new Error(`it has ${colours} colours: 1, 3 or 4 can be read`);
  const parts = Array.from({ length: colours }, (_, i) => data.subarray(6 + 3 * i, 9 + 3 * i));
  const fits = (samples: number) => samples >= 1 && samples <= 4;
  const finer = parts.every(([, samples]) => fits(samples >> 4) && fits(samples & 15));
  if (data.length !== 6 + 3 * colours || !finer || new Set(parts.map(([id]) => id)).size < colours)
    throw new Error("its parts do not fit together");
}

/** Orientations 1 to 8 are a transposition, then a mirroring of each axis of the stored picture. */
function upright({ data, width, height }: Pixels, turn: number): Pixels {
  if (!(turn > 1 && turn <= 8)) return { data, width, height };
  const transposed = turn >= 5;
  const mirrorX = [2, 3, 7, 8].includes(turn);
  const mirrorY = [3, 4, 6, 7].includes(turn);
  const [w, h] = transposed ? [height, width] : [width, height];
  const out = new Uint8Array(data.length);
  for (let i = 0; i < w * h; i++) {
    const [a, b] = transposed ? [Math.floor(i / w), i % w] : [i % w, Math.floor(i / w)];
    const x = mirrorX ? width - 1 - a : a;
    const y = mirrorY ? height - 1 - b : b;
    const at = 3 * (y * width + x);
    out.set(data.subarray(at, at + 3), 3 * i);
  }
  return { data: out, width: w, height: h };
}
