import type { Code, Issue } from "relprop";

/** Says how far a call has come: what it does, and which share of it is done, if that can be said. */
export type Tell = (progress: Progress) => void;

export interface Progress {
  readonly doing: string;
  readonly share?: number;
}

/** What a page asks of its worker: functions of one value that can be copied. */
export type CallsLike<C> = { readonly [K in keyof C]: (given: never, tell: Tell) => Promise<unknown> };

export type Given<C extends CallsLike<C>, K extends keyof C> = Parameters<C[K]>[0];

export type Request<C extends CallsLike<C>> = {
  [K in keyof C]: { readonly id: number; readonly call: K; readonly given: Given<C, K> };
}[keyof C];

/** An error on its way between threads. */
export interface Refusal {
  readonly code: Code;
  readonly issues: readonly Issue[];
}

export type Response =
  | { readonly id: number; readonly answer: unknown }
  | { readonly id: number; readonly progress: Progress }
  | { readonly id: number; readonly refusal: Refusal }
  | { readonly id: number; readonly fault: string };
