/** Integers of 8 or 4 bits in rows, and the scale and zero point of each block of a row: as a kernel reads them. */
export interface PackedRows {
  readonly bits: 8 | 4;
  /** How many neighbours of a row share a scale. */
  readonly block: number;
  /** Bytes of all rows, each of which begins a byte. */
  readonly bytes: number;
  /** Signed ones of 8 bits, or unsigned ones of 4. */
  integers(to: Uint8Array): void;
  scales(to: Float32Array): void;
  zeros(to: Float32Array): void;
}
