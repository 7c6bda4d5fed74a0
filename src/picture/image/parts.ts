/** A part of a picture's file: a chunk of a PNG or WebP, by name, or a segment of a JPEG, by marker. */
export interface Part<Kind> {
  readonly kind: Kind;
  readonly data: Uint8Array;
  /** As it stands in the file: with length and checksum; of a scan with the coded pixels behind it. */
  readonly whole: Uint8Array;
}

/** The chunks of a PNG, up to the last or to where the file is cut off. Nothing is unpacked. */
export function* pngChunks(file: Uint8Array): Generator<Part<string>> {
  const view = new DataView(file.buffer, file.byteOffset, file.length);
  for (let at = 8, kind = ""; kind !== "IEND" && at + 12 <= file.length; ) {
    const end = at + 12 + view.getUint32(at);
    if (end > file.length) return;
    kind = String.fromCharCode(...file.subarray(at + 4, at + 8));
    yield { kind, data: file.subarray(at + 8, end - 4), whole: file.subarray(at, end) };
    at = end;
  }
}

/** The chunks of a WebP, up to the last or to where the file is cut off. */
export function* webpChunks(file: Uint8Array): Generator<Part<string>> {
  const view = new DataView(file.buffer, file.byteOffset, file.length);
  for (let at = 12; at + 8 <= file.length; ) {
    const size = view.getUint32(at + 4, true);
    const end = at + 8 + size;
    if (end > file.length) return;
    const kind = String.fromCharCode(...file.subarray(at, at + 4));
    // Each begins at an even byte.
    const next = end + (size & 1);
    yield { kind, data: file.subarray(at + 8, end), whole: file.subarray(at, next) };
    at = next;
  }
}

/** What a chunk of a WebP says of a picture's size: one that begins a file, or has pixels. */
export function webpSize({ kind, data }: Part<string>): Size | undefined {
  const view = new DataView(data.buffer, data.byteOffset, data.length);
  if (kind === "VP8X" && data.length >= 10)
    return { width: 1 + (view.getUint32(3, true) >>> 8), height: 1 + (view.getUint32(6, true) >>> 8) };
  if (kind === "VP8L" && data.length >= 5 && data[0] === 0x2f) {
    const bits = view.getUint32(1, true);
    return { width: 1 + (bits & 0x3fff), height: 1 + ((bits >>> 14) & 0x3fff) };
  }
  if (kind === "VP8 " && data.length >= 10)
    return { width: view.getUint16(6, true) & 0x3fff, height: view.getUint16(8, true) & 0x3fff };
  return undefined;
}

/** JPEG's marker before the pixels of a scan, and at the end. */
export const [SCAN, END] = [0xda, 0xd9];

/** The segments of a JPEG, up to its end or to where the file is cut off. */
export function* jpegSegments(file: Uint8Array): Generator<Part<number>> {
  // Bytes between segments are passed over, as libjpeg does: some cameras state wrong lengths.
  for (let at = nextMarker(file, 2), kind = 0; kind !== END && at < file.length; ) {
    kind = file[at + 1];
    const data = kind === END ? at + 2 : at + 4;
    const end = kind === END ? data : at + 2 + 256 * file[at + 2] + file[at + 3];
    if (!(data <= end && end <= file.length)) return;
    const next = nextMarker(file, end);
    yield { kind, data: file.subarray(data, end), whole: file.subarray(at, kind === SCAN ? next : end) };
    at = next;
  }
}

/** Where a segment begins: neither a byte of 255 among coded pixels, nor a marker that stands alone (1, restarts). */
function nextMarker(file: Uint8Array, from: number): number {
  for (let at = from; at + 1 < file.length; at++) {
    const kind = file[at + 1];
    if (file[at] === 0xff && kind > 1 && kind < 0xff && !(kind >= 0xd0 && kind <= 0xd8)) return at;
  }
  return file.length;
}

/** Markers of frames, which state the picture's size; 4, 8 and 12 of that row are others. */
export const isFrame = (kind: number) => kind >= 0xc0 && kind <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(kind);

/** What WebP files begin with. */
export const WEBP = /^RIFF....WEBP/s;

export interface Size {
  readonly width: number;
  readonly height: number;
}

/**
 * How many pixels a PNG, JPEG or WebP file has, from its header: nothing is decoded. To be asked before a page decodes what
 * it is given.
 *
 * @returns undefined for any other file, and where the header is missing
 * @example
 * imageSize(await file.bytes()); // { width: 640, height: 480 }
 */
export function imageSize(file: Uint8Array): Size | undefined {
  const view = (data: Uint8Array) => new DataView(data.buffer, data.byteOffset, data.length);
  if (file[0] === 0x89) {
    const [header] = pngChunks(file);
    if (header?.kind === "IHDR" && header.data.length >= 8)
      return { width: view(header.data).getUint32(0), height: view(header.data).getUint32(4) };
  } else if (file[0] === 0xff && file[1] === 0xd8) {
    for (const { kind, data } of jpegSegments(file))
      if (isFrame(kind) && data.length >= 5) return { width: view(data).getUint16(3), height: view(data).getUint16(1) };
  } else if (WEBP.test(String.fromCharCode(...file.subarray(0, 12)))) {
    const [first] = webpChunks(file);
    return first && webpSize(first);
  }
  return undefined;
}

export function joined(parts: readonly ArrayLike<number>[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
