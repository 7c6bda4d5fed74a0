import { assert } from "../base/error.ts";
import type { Node } from "../graph/graph.ts";
import type { Emitter } from "../program/emitter.ts";
import type { Ref, Value } from "../program/step.ts";

/** Which sums of the ledger belong to a node; offsets in float64 elements. */
export interface Account {
  readonly node: Node;
  readonly rule: string;
  /** Offsets of pairs (Σ R, Σ |R|). */
  readonly received: readonly number[];
  readonly passed: readonly number[];
  /** Pairs of what went to constant inputs. */
  readonly constants: readonly number[];
  /** Triple (bias, stabilizer, dead). */
  readonly absorbed: number;
  /** The column of all that is not passed on: of a gradient rule, of a softmax, of what drops some of the output. */
  readonly open?: "other" | "softmax";
}

/** Books of the backward pass: places for sums, and relevance that waits for its node. */
export class Ledger {
  readonly value: Value;
  readonly accounts: Account[] = [];
  readonly #e: Emitter;
  readonly #sums = new Map<number, number>();
  #next = 0;

  constructor(e: Emitter, entries: number) {
    this.#e = e;
    this.value = e.scratch("ledger", 2 * entries);
  }

  #take(count: number): number {
    const at = this.#next;
    this.#next += count;
    assert(2 * this.#next <= this.value.count, "the ledger is too short");
    return at;
  }

  /** Sums relevance, once for each value. */
  sum(r: Value): number {
    let at = this.#sums.get(r.id);
    if (at === undefined) {
      at = this.#take(2);
      this.#sums.set(r.id, at);
      this.#e.emit("sum", { x: r, sums: { value: this.value, offset: 2 * at }, count: r.count });
    }
    return at;
  }

  absorbed(): { at: number; ref: Ref } {
    const at = this.#take(3);
    return { at, ref: { value: this.value, offset: 2 * at } };
  }
}
