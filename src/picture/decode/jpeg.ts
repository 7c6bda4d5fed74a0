import { END, isFrame, joined, jpegSegments, type Part, SCAN } from "../image/parts.ts";
import type { Picture } from "../image/pixels.ts";
import { type Codecs, type Decoder, started } from "./codec.ts";
import { orientation, upright } from "./exif.ts";

/** Of tables and restarts, and what JFIF and Adobe say of colours. The others say nothing about pixels. */
const KEPT = [0xc4, 0xdb, 0xdd, 0xe0, 0xee, SCAN, END];
const EXIF = 0xe1;
const ADOBE = 0xee;
/** The frames that are read, of Huffman's code: baseline, extended, progressive. */
const FRAMES = [0xc0, 0xc1, 0xc2];
/** Each scan goes over the whole picture, however few bytes it has. Those of encoders are a dozen. */
const MOST_SCANS = 100;

/** libjpeg-turbo's interface, TurboJPEG. */
interface TurboJpeg extends Decoder {
  tjInitDecompress(): number;
  tjDecompress2(
    handle: number,
    file: number,
    length: number,
    pixels: number,
    width: number,
    pitch: number,
    height: number,
    format: number,
    flags: number,
  ): number;
}
/** TurboJPEG's numbers for the order of colours. */
const [RGBA, CMYK] = [7, 11];

/**
 * The pixels of a JPEG file whose size has been judged: libjpeg-turbo's, and of four colours what Pillow makes of them.
 *
 * @throws Error that says what is wrong with it
 */
export function jpg(file: Uint8Array, module: ReturnType<Codecs["jpeg"]>): Picture {
  const segments = [...jpegSegments(file)];
  if (segments.at(-1)?.kind !== END) throw new Error("it is cut off");
  const frames = segments.filter(({ kind }) => isFrame(kind));
  if (frames.length !== 1) throw new Error(`it has ${frames.length} frames: one can be read`);
  const [frame] = frames;
  checkFrame(frame);
  const scans = segments.filter(({ kind }) => kind === SCAN).length;
  if (scans > MOST_SCANS) throw new Error(`it has ${scans} scans: ${MOST_SCANS} can be read`);
  const begins = (kind: number, text: string) =>
    segments.find((one) => one.kind === kind && String.fromCharCode(...one.data.subarray(0, text.length)) === text);
  const colours = frame.data[5];
  if (colours === 4 && !begins(ADOBE, "Adobe")) throw new Error("it does not say what its four colours are");
  const read = segments.filter(({ kind }) => KEPT.includes(kind) || isFrame(kind));
  const bytes = joined([file.subarray(0, 2), ...read.map(({ whole }) => whole)]);
  const [height, width] = [256 * frame.data[1] + frame.data[2], 256 * frame.data[3] + frame.data[4]];
  const { decoder, room, pixels } = started<TurboJpeg>(module);
  const [source, address] = [room(bytes), room(4 * width * height)];
  const format = colours === 4 ? CMYK : RGBA;
  const handle = decoder.tjInitDecompress();
  if (decoder.tjDecompress2(handle, source, bytes.length, address, width, 4 * width, height, format, 0) !== 0)
    throw new Error("its pixels are damaged");
  const data = pixels(address, width * height);
  if (colours === 4) inkOnPaper(data);
  const exif = begins(EXIF, "Exif\0");
  return upright({ data, width, height }, exif ? orientation(exif.data) : 1);
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

/**
 * CMYK as RGBA, in place. Adobe stores how much paper is left by each ink: colour = paper left by the ink, times that
 * left by black, rounded as Pillow does.
 */
function inkOnPaper(data: Picture["data"]): void {
  for (let i = 0; i < data.length; i += 4) {
    const key = data[i + 3];
    for (let k = i; k < i + 3; k++) {
      const product = (255 - data[k]) * key + 128;
      data[k] = key - ((product + (product >> 8)) >> 8);
    }
    data[i + 3] = 255;
  }
}
