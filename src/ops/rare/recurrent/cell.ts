import type { Ref, Value } from "../../../program/step.ts";

export interface Recurrent {
  readonly gates: number;
  /** Whether each goes backwards, and its cell as the kernels read it. */
  readonly directions: readonly { readonly isReverse: boolean; readonly cell: readonly number[] }[];
  /** Whether an LSTM has `input_forget`, or a GRU `linear_before_reset`. */
  readonly isVariant: boolean;
  /** 0: as the weights have it. */
  readonly hidden: number;
  readonly batchFirst: boolean;
  /** Of the node that computes the states: how many steps each sample has. */
  readonly lengths?: readonly number[];
}

/** Which input is which. */
export const [X, W, R, B, LENGTHS, H0, C0, P] = [0, 1, 2, 3, 4, 5, 6, 7];

/** Where the numbers of one direction are, as the kernels are given them. */
export interface Direction {
  readonly gates: Ref;
  readonly h0: Ref;
  readonly c0: Ref;
  readonly times: Ref;
  readonly cell: Ref;
  readonly y: Ref;
  readonly c: Ref | Value;
  readonly steps: number;
  readonly n: number;
  readonly g: number;
  readonly hidden: number;
  readonly row: number;
  readonly step: number;
}
