import { type Argument, type Step, type Value, valueOf } from "../program/step.ts";
import type { Program } from "./lower.ts";

/** Where every computed value lies while the program runs, in bytes from the start of the arena. */
export interface Plan {
  readonly program: Program;
  readonly offsets: ReadonlyMap<number, number>;
  readonly arenaBytes: number;
  /** The most that is alive at any one step: no layout can need less. */
  readonly lowerBound: number;
}

interface Life {
  readonly id: number;
  readonly bytes: number;
  first: number;
  last: number;
}

/** A multiple of a vector, and one vector more: kernels may read (never write) past the end of a value. */
export function bytesOf(count: number): number {
  return (Math.ceil((count * 4) / 16) + 1) * 16;
}

/**
 * Visits the computed values of steps with the moment of each: a call is one; a choice is one, and so is every call of
 * its two ways, which follow each other. @returns the moment after the last
 */
function mentions(steps: readonly Step[], from: number, visit: (value: Value, at: number) => void): number {
  let at = from;
  for (const step of steps) {
    if ("limit" in step) {
      visit(step.value, at);
      at = mentions(step.whole, mentions(step.sparse, at + 1, visit), visit);
      continue;
    }
    for (const argument of step.args as readonly Argument[]) {
      const value = valueOf(argument);
      if (value) visit(value, at);
    }
    at++;
  }
  return at;
}

/** A value lives from its first to its last mention; what the caller reads or writes is mentioned at the ends. */
function lifetimes({ steps, inputs, outputs, logits, segments }: Program, again: boolean): Life[] {
  const lives = new Map<number, Life>();
  const mention = (value: Value, at: number) => {
    if (value.weight) return;
    const life = lives.get(value.id);
    if (!life) lives.set(value.id, { id: value.id, bytes: bytesOf(value.count), first: at, last: at });
    else if (at < life.first) life.first = at;
    else if (at > life.last) life.last = at;
  };
  // The caller writes the inputs before the first step.
  for (const value of inputs) mention(value, 0);
  const begins: number[] = [];
  let [at, moment] = [0, 1];
  for (const { begin } of segments) {
    moment = mentions(steps.slice(at, begin), moment, mention);
    begins.push(moment);
    at = begin;
  }
  const end = mentions(steps.slice(at), moment, mention);
  for (const output of outputs.values()) mention(output, end);
  mention(logits, end);
  for (const [k, { value, seed, inputs: arrived, shares, ledger, at: wanted }] of segments.entries()) {
    // The caller reads the value and writes the seed between the step before the segment and its first.
    for (const one of [value, seed]) for (const when of [begins[k] - 1, begins[k]]) mention(one, when);
    for (const one of [...arrived.values(), ...shares.values(), ledger, ...wanted.values()]) mention(one, end);
    // What a segment reads of the steps before it, it reads once more the next time.
    if (again) for (const life of lives.values()) if (life.first < begins[k] && life.last >= begins[k]) life.last = end;
  }
  return [...lives.values()];
}

/** Bytes that are taken, by ascending edges: from the first up to the second, from the third up to the fourth, … */
type Taken = number[];

/** How many edges are at `at` or before. */
function edgesUpTo(edges: Taken, at: number): number {
  let [low, high] = [0, edges.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (edges[middle] <= at) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The same with the bytes from `from` up to `to` added. */
function taken(edges: Taken | undefined, from: number, to: number): Taken {
  if (!edges) return [from, to];
  const last = edges.length - 1;
  // By far the most often it is what lies highest.
  if (from > edges[last]) edges.push(from, to);
  else if (from === edges[last]) edges[last] = to;
  else {
    const [first, end] = [edgesUpTo(edges, from - 1), edgesUpTo(edges, to)];
    // Inside what is taken already, there is an odd number of edges before.
    if (first === end && first % 2 === 1) return edges;
    edges.splice(first, end - first, ...(first % 2 === 0 ? [from] : []), ...(end % 2 === 0 ? [to] : []));
  }
  return edges;
}

/** The lowest place from `at` on where so many bytes are free. */
function roomFrom(edges: Taken, at: number, bytes: number): number {
  const next = edgesUpTo(edges, at);
  let place = next % 2 === 1 ? edges[next] : at;
  for (let i = next + (next % 2); i < edges.length && edges[i] < place + bytes; i += 2) place = edges[i + 1];
  return place;
}

/**
 * What is taken when. Of two values that live at the same time, one begins while the other lives. So each is entered
 * twice, by when it begins and by how long it lives, in a binary tree over time: its leaves are the steps, every other
 * node is the span of the two below.
 */
class Occupation {
  readonly #leaves: number;
  /** For each span, what values take that begin in it. */
  readonly #begun: (Taken | undefined)[];
  /** For each span, what values take that live from its start to its end, but not so through the span above it. */
  readonly #lived: (Taken | undefined)[];

  constructor(steps: number) {
    this.#leaves = 2 ** Math.ceil(Math.log2(steps));
    this.#begun = new Array(2 * this.#leaves);
    this.#lived = new Array(2 * this.#leaves);
  }

  /** The largest spans that make up a life. */
  #within({ first, last }: Life, visit: (span: number) => void): void {
    for (let [low, high] = [this.#leaves + first, this.#leaves + last + 1]; low < high; low >>= 1, high >>= 1) {
      if (low % 2 === 1) visit(low++);
      if (high % 2 === 1) visit(--high);
    }
  }

  /** The lowest place that is free as long as the value lives. */
  roomFor(life: Life): number {
    const rivals: Taken[] = [];
    const rival = (edges: Taken | undefined) => edges && rivals.push(edges);
    this.#within(life, (span) => rival(this.#begun[span]));
    for (let span = this.#leaves + life.first; span > 0; span >>= 1) rival(this.#lived[span]);
    let place = 0;
    // Free in all of them, once a round through them changes nothing.
    for (let before = -1; before < place; ) {
      before = place;
      for (const edges of rivals) place = roomFrom(edges, place, life.bytes);
    }
    return place;
  }

  enter(life: Life, place: number): void {
    const end = place + life.bytes;
    for (let span = this.#leaves + life.first; span > 0; span >>= 1)
      this.#begun[span] = taken(this.#begun[span], place, end);
    this.#within(life, (span) => {
      this.#lived[span] = taken(this.#lived[span], place, end);
    });
  }
}

/** The most bytes that are alive at any one step. */
function mostAlive(lives: readonly Life[], steps: number): number {
  const changes = new Float64Array(steps + 1);
  for (const { first, last, bytes } of lives) {
    changes[first] += bytes;
    changes[last + 1] -= bytes;
  }
  let [alive, most] = [0, 0];
  for (const change of changes) {
    alive += change;
    most = Math.max(most, alive);
  }
  return most;
}

/**
 * Largest first, each into the lowest gap among the values that live at the same time.
 *
 * Each of n values is entered in O(log n) spans and held against as many: O(n log² n) in all where what a span has
 * taken is few pieces, as it is of values that have few sizes or short lives. At worst, where values of many sizes live
 * across each other, each passes the places of all others: O(n²).
 *
 * @param again whether relevance will pass several times after one forward pass
 */
export function place(program: Program, again = false): Plan {
  const lives = lifetimes(program, again);
  const steps = 1 + lives.reduce((most, { last }) => Math.max(most, last), 0);
  const occupation = new Occupation(steps);
  const offsets = new Map<number, number>();
  let arenaBytes = 0;
  for (const life of [...lives].sort((a, b) => b.bytes - a.bytes)) {
    const offset = occupation.roomFor(life);
    occupation.enter(life, offset);
    offsets.set(life.id, offset);
    arenaBytes = Math.max(arenaBytes, offset + life.bytes);
  }
  return Object.freeze({ program, offsets, arenaBytes, lowerBound: mostAlive(lives, steps) });
}
