import { joined, webpChunks, webpSize } from "../image/parts.ts";
import type { Picture } from "../image/pixels.ts";
import { type Codecs, type Decoder, started } from "./codec.ts";
import { orientation, upright } from "./exif.ts";

/** The parts that say something about pixels: an extended file's header, transparency, and the pixels. */
const KEPT = ["VP8X", "ALPH", "VP8 ", "VP8L"];
const PIXELS = ["VP8 ", "VP8L"];
const ANIMATED = ["ANIM", "ANMF"];

/** libwebp's interface. */
interface LibWebP extends Decoder {
  /** @returns where the pixels are; 0 where they cannot be decoded */
  WebPDecodeRGBA(file: number, length: number, width: number, height: number): number;
}

/**
 * The pixels of a WebP file whose size has been judged.
 *
 * @throws Error that says what is wrong with it
 */
export function webp(file: Uint8Array, module: ReturnType<Codecs["webp"]>): Picture {
  const stated = new DataView(file.buffer, file.byteOffset, file.length).getUint32(4, true);
  if (8 + stated > file.length) throw new Error("it is cut off");
  const chunks = [...webpChunks(file.subarray(0, 8 + stated))];
  const length = chunks.reduce((sum, { whole }) => sum + whole.length, 0);
  const frames = chunks.filter(({ kind }) => PIXELS.includes(kind));
  if (chunks.some(({ kind }) => ANIMATED.includes(kind)))
    throw new Error("it is animated: save the frame that you mean as a picture");
  const { width, height } = webpSize(chunks[0]) ?? { width: 0, height: 0 };
  const frame = frames.length === 1 ? webpSize(frames[0]) : undefined;
  if (4 + length !== stated || frame?.width !== width || frame.height !== height)
    throw new Error("its parts do not fit together");
  const read = chunks.filter(({ kind }) => KEPT.includes(kind)).map(({ whole }) => whole);
  const bytes = joined([file.subarray(0, 12), ...read]);
  new DataView(bytes.buffer).setUint32(4, bytes.length - 8, true);
  const { decoder, room, pixels } = started<LibWebP>(module);
  const [source, size] = [room(bytes), room(8)];
  const address = decoder.WebPDecodeRGBA(source, bytes.length, size, size + 4) >>> 0;
  const [w, h] = new Uint32Array(decoder.memory.buffer, size, 2);
  if (address === 0 || w !== width || h !== height) throw new Error("its pixels are damaged");
  const exif = chunks.find(({ kind }) => kind === "EXIF")?.data;
  return upright({ data: pixels(address, width * height), width, height }, exif ? orientation(exif) : 1);
}
