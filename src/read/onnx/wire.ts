import type { PbfReader } from "pbf";

/*
 * Protocol buffers: fields, and the numbers and texts in them. Every length is checked against what is there.
 */

const VARINT = 0,
  FIXED64 = 1,
  BYTES = 2,
  FIXED32 = 5;

/** What a malformed file is answered with, wherever in it the reader stands. */
export class Malformed extends Error {}

export function check(condition: unknown, text: string): asserts condition {
  if (!condition) throw new Malformed(text);
}

/** Whether the field is bytes: a text, a message, or numbers one after the other. */
export const isBytes = (pbf: PbfReader): boolean => pbf.type === BYTES;

/** The end of the bytes that follow, which must lie inside the message that holds them. */
function span(pbf: PbfReader, end: number): number {
  check(isBytes(pbf), `a field of bytes at byte ${pbf.pos}`);
  const length = pbf.readVarint();
  check(
    length >= 0 && pbf.pos + length <= end,
    `${length} bytes from byte ${pbf.pos} on, where ${end - pbf.pos} are left`,
  );
  return pbf.pos + length;
}

type Field = (tag: number, pbf: PbfReader, end: number) => void;

/** Reads the fields of one message that ends at `end`. Fields that `field` does not read are skipped. */
export function message(pbf: PbfReader, end: number, field: Field): void {
  while (pbf.pos < end) {
    const key = pbf.readVarint();
    pbf.type = key & 7;
    check(
      key >= 8 && key < 2 ** 32 && [VARINT, FIXED64, BYTES, FIXED32].includes(pbf.type),
      `a protobuf field at byte ${pbf.pos}`,
    );
    const start = pbf.pos;
    field(key >>> 3, pbf, end);
    if (pbf.pos === start) skip(pbf, end);
    check(pbf.pos <= end, `a field that ends by byte ${end}`);
  }
}

function skip(pbf: PbfReader, end: number): void {
  if (isBytes(pbf)) pbf.pos = span(pbf, end);
  else pbf.skip(pbf.type);
}

/** A message inside another. */
export function inner(pbf: PbfReader, end: number, field: Field): void {
  message(pbf, span(pbf, end), field);
}

export function bytes(pbf: PbfReader, end: number): Uint8Array {
  const stop = span(pbf, end);
  const view = pbf.buf.subarray(pbf.pos, stop);
  pbf.pos = stop;
  return view;
}

const decoder = new TextDecoder();
export const text = (pbf: PbfReader, end: number): string => decoder.decode(bytes(pbf, end));

const FAR = 2n ** 63n - 1n;

/**
 * An integer as a double, NaN where a double would round it. Exempt is ±(2⁶³ − 1), which becomes ±2⁶³: exporters write
 * it for "to the end", which the nearest double says as well.
 */
export function exact(value: bigint): number {
  const near = Number(value);
  return BigInt(near) === value || value === FAR || value === -FAR ? near : Number.NaN;
}

function varint(pbf: PbfReader, signed: boolean): number {
  const start = pbf.pos;
  const near = pbf.readVarint(signed);
  if (Number.isSafeInteger(near)) return near;
  let whole = 0n;
  for (let at = start; at < pbf.pos; at++) whole |= BigInt(pbf.buf[at] & 0x7f) << BigInt(7 * (at - start));
  return exact(signed ? BigInt.asIntN(64, whole) : BigInt.asUintN(64, whole));
}

/** How one number lies in the file. */
interface Scalar {
  readonly wire: number;
  read(pbf: PbfReader): number;
}

export const int: Scalar = { wire: VARINT, read: (pbf) => varint(pbf, true) };
export const uint: Scalar = { wire: VARINT, read: (pbf) => varint(pbf, false) };
export const float: Scalar = { wire: FIXED32, read: (pbf) => pbf.readFloat() };
export const double: Scalar = { wire: FIXED64, read: (pbf) => pbf.readDouble() };

/** A field of one number. */
export function one(pbf: PbfReader, { wire, read }: Scalar): number {
  check(pbf.type === wire, `a number of ${["1 to 10", "8", "", "", "", "4"][wire]} bytes at byte ${pbf.pos}`);
  return read(pbf);
}

/** A repeated field, packed or one by one. */
export function many(pbf: PbfReader, end: number, into: number[], scalar: Scalar): void {
  if (!isBytes(pbf)) {
    into.push(one(pbf, scalar));
    return;
  }
  const stop = span(pbf, end);
  while (pbf.pos < stop) into.push(scalar.read(pbf));
  check(pbf.pos === stop, `a packed field that ends at byte ${stop}`);
}
