import type { Plan } from "../src/plan/place.ts";
import type { Instance } from "../src/run/wasm.ts";
import { type Argument, type HostStep, type KernelStep, type Step, type Value, valueOf } from "../src/program/step.ts";
import { parametersOf } from "../src/kernels.gen.ts";

/*
 * Canaries: memory in which nothing stands that a later step may read is filled with a NaN that no computation makes.
 * After each step only what the step writes may have changed, and before it nothing that it reads may hold a number
 * that nobody has written.
 */

type Call = KernelStep | HostStep;

/** A quiet NaN with a payload of its own. */
const CANARY = 0x7fca_4a27;

/** What a kernel writes is called `out`, or `y` where it has none; these call it something else. */
const writtenBy: Partial<Record<KernelStep["kernel"], readonly string[]>> = {
  convTable: ["table"],
  listNonzero: ["starts", "lists"],
  divideStabilized: ["s"],
  divideClipped: ["s"],
  divideRelative: ["s"],
  recurrentForward: ["gates", "y", "c"],
  recurrentVjp: ["s", "rh0", "rc0"],
  recurrentTerms: ["kept", "taken", "state", "before", "scale", "z"],
  recurrentSignal: ["state", "rz", "rh0", "rc0"],
};

/** Read before they are written: sums of a dense layer, from which a cell makes its gates. */
const UPDATED = ["gates"];

/** Written wherever they stand. */
const ALWAYS_WRITTEN = ["scratch", "ledger", "sums"];

/** Kernels that add to what stands in their output. */
const ADDING = ["addBlock", "multiplyAdd", "halvesMultiplyAdd"];

/** Room that a kernel fills as far as it needs. */
const PARTLY_FILLED = ["table", "starts", "lists"];

/** What a step does to a value. */
interface Use {
  readonly value: Value;
  readonly reads: boolean;
  readonly writes: boolean;
}

function usesOf(call: Call, { program }: Plan, isKnown: (value: Value) => boolean): Use[] {
  const values = (call.args as readonly Argument[]).map(valueOf);
  if ("host" in call) {
    // A function of the host writes what nobody has written before it, and adds to the ledger. Parts of a weight are
    // made one after the other in one place.
    return (values as Value[]).map((value) => {
      const isLedger = program.segments.some(({ ledger }) => ledger.id === value.id) || value.name.endsWith(":unread");
      const writes = isLedger || call.host === "pack" || !isKnown(value);
      return { value, reads: !writes, writes };
    });
  }
  const names = parametersOf(call.kernel);
  const outputs = [...(writtenBy[call.kernel] ?? [names.includes("out") ? "out" : "y"]), ...ALWAYS_WRITTEN];
  return values.flatMap((value, i) => {
    if (!value) return [];
    const writes = outputs.includes(names[i]);
    const isUpdated = ADDING.includes(call.kernel) || UPDATED.includes(names[i]);
    const reads = writes ? isUpdated : !PARTLY_FILLED.includes(names[i]);
    return [{ value, reads, writes }];
  });
}

/** Numbers every call of a program, those of both ways of a choice, and tells the last that needs each value. */
function lives({ steps, inputs, outputs, logits, segments }: Plan["program"]) {
  const moments = new Map<Call, number>();
  const last = new Map<number, number>();
  /** The moment at which each stretch of the way back begins. */
  const begins: number[] = [];
  const need = (value: Value | undefined, at: number) =>
    value && last.set(value.id, Math.max(at, last.get(value.id) ?? 0));
  const visit = (step: Step): void => {
    if ("limit" in step) {
      need(step.value, moments.size);
      [...step.sparse, ...step.whole].forEach(visit);
      return;
    }
    // Relevance may pass several times after what was before its stretch.
    const begin = begins.at(-1) ?? Number.POSITIVE_INFINITY;
    for (const argument of step.args) {
      const value = valueOf(argument);
      const again = value && moments.size >= begin && (last.get(value.id) ?? begin) < begin;
      need(value, again ? Number.POSITIVE_INFINITY : moments.size);
    }
    moments.set(step, moments.size);
  };
  for (const [i, step] of steps.entries()) {
    for (const segment of segments) if (segment.begin === i) begins.push(moments.size);
    visit(step);
  }
  const fromOutside = segments.flatMap((s) => [
    s.value,
    s.seed,
    s.ledger,
    ...s.inputs.values(),
    ...s.shares.values(),
    ...s.at.values(),
  ]);
  for (const value of [...inputs, ...outputs.values(), logits, ...fromOutside]) need(value, Number.POSITIVE_INFINITY);
  return { moments, last, begins };
}

/** Watches every step of a plan: what `Instance.watch` is in the tests. */
export function canaries(memory: WebAssembly.Memory): NonNullable<Instance["watch"]> {
  return (plan, address) => {
    const { program } = plan;
    const { moments, last, begins } = lives(program);
    const [begin = Number.POSITIVE_INFINITY] = begins;
    const place = (value: Value): readonly [from: number, to: number] => [
      address(value) / 4,
      address(value) / 4 + value.count,
    ];
    /** Values that hold what some step has written, or the caller. */
    const known = new Map<number, Value>();
    let latest = Number.POSITIVE_INFINITY;
    /** What each pass back makes anew. */
    const results = new Set(
      program.segments.flatMap((s) =>
        [...s.inputs.values(), ...s.shares.values(), ...s.at.values()].map(({ id }) => id),
      ),
    );

    const isKnown = (value: Value) => value.weight !== undefined || known.has(value.id);
    const origin = program.inputs[0] ?? program.logits;
    const first = (address(origin) - plan.offsets.get(origin.id)!) / 4;

    const enter = (moment: number) => {
      if (moment <= latest) {
        // A pass begins, or begins once more; a forward pass need not have any call.
        const kept = moment < begin ? [] : [...known.values()].filter(({ id }) => !results.has(id));
        known.clear();
        for (const value of [...kept, ...program.inputs]) known.set(value.id, value);
      }
      for (const [k, { seed }] of program.segments.entries()) if (moment >= begins[k]) known.set(seed.id, seed);
      for (const id of known.keys()) if (last.get(id)! < moment) known.delete(id);
      latest = moment;
    };

    const poison = () => {
      const words = new Int32Array(memory.buffer);
      let at = first;
      for (const [from, to] of [...known.values()].map(place).sort((a, b) => a[0] - b[0])) {
        if (from > at) words.fill(CANARY, at, from);
        at = Math.max(at, to);
      }
      words.fill(CANARY, at, Math.max(at, first + plan.arenaBytes / 4));
    };

    return (call, run) => () => {
      const name = "kernel" in call ? call.kernel : call.host;
      enter(moments.get(call)!);
      poison();
      const uses = usesOf(call, plan, isKnown);
      const words = new Int32Array(memory.buffer);
      for (const { value, reads } of uses) {
        if (!reads) continue;
        const [from, to] = place(value);
        const unwritten = words.subarray(from, to).indexOf(CANARY);
        if (unwritten >= 0)
          throw new Error(`${name} reads '${value.name}', of which number ${unwritten} was never written`);
      }
      const before = words.slice();
      run();
      const outputs = uses.filter(({ writes }) => writes).map(({ value }) => value);
      const spared = outputs.map(place).sort((a, b) => a[0] - b[0]);
      const compare = (from: number, to: number) => {
        const [was, is] = [before, new Int32Array(memory.buffer)].map((all) =>
          Buffer.from(all.buffer, 4 * from, 4 * Math.max(0, to - from)),
        );
        if (was.equals(is)) return;
        const changed = from + Math.floor(was.findIndex((byte, i) => byte !== is[i]) / 4);
        const owner = [...known.values()].find((value) => place(value)[0] <= changed && changed < place(value)[1]);
        throw new Error(
          `${name} writes to ${owner ? `'${owner.name}'` : "a place between values"}, ${changed - first} ` +
            `numbers from the arena's begin`,
        );
      };
      let at = 0;
      for (const [from, to] of spared) {
        compare(at, from);
        at = Math.max(at, to);
      }
      compare(at, before.length);
      for (const value of outputs) known.set(value.id, value);
    };
  };
}
