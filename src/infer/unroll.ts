import { demand } from "../base/complaint.ts";
import type { Node } from "../graph/graph.ts";
import type { Unroller } from "../ops/unroller.ts";
import { know, operandOf, type State } from "./state.ts";

/** So many nodes may come of bodies and sequences, and their sequences may have so many tensors together. */
const [MOST_NODES, MOST_ITEMS] = [2 ** 15, 2 ** 22];

/** @param attempt looks at a node that stands in the place of `whole` */
export function unroller(whole: Node, state: State, attempt: (node: Node) => void): Unroller {
  const { problems, wanted, names, unrolled } = state;
  const prefix = whole.outputs.find(Boolean) ?? whole.name;
  let count = 0;
  /** A name that no other value has. */
  const fresh = (name: string): string => {
    let own = name;
    while (names.has(own)) own = `${own}'`;
    names.add(own);
    return own;
  };
  const make = (node: Node) => {
    unrolled.nodes++;
    const fix = "Its loops run too often, or its sequences are too long.";
    const fits = unrolled.nodes <= MOST_NODES;
    demand(fits, "unsupported", `at most ${MOST_NODES} nodes in the place of those with bodies`, "more", fix);
    attempt(node);
  };
  const at: Unroller = {
    add(type, inputs, attributes = {}, output = fresh(`${prefix}:${count++}`)) {
      make({ name: output, type, attributes, inputs, outputs: [output] });
      return output;
    },
    constant: (value, output) => at.add("Constant", [], { value }, output),
    sequence(items, output) {
      unrolled.items += items?.length ?? 0;
      demand(unrolled.items <= MOST_ITEMS, "unsupported", `sequences of at most ${MOST_ITEMS} tensors`, "more");
      state.sequences.set(output, items);
    },
    body(body, inputs, label) {
      const before = problems.count + wanted.size;
      problems.add(...body.problems);
      if (body.problems.length > 0) return undefined;
      demand(
        body.inputs.length === inputs.length,
        "invalid-model",
        `a body of ${inputs.length} inputs`,
        `${body.inputs.length}`,
      );
      const place = label === undefined ? whole.name : `${whole.name}/${label}`;
      const own = new Map(body.inputs.map((name, i) => [name, inputs[i]]));
      for (const name of [...body.constants.keys(), ...body.nodes.flatMap((node) => node.outputs)])
        if (name !== "") own.set(name, fresh(`${place}/${name}`));
      const renamed = (name: string) => own.get(name) ?? whole.captured?.get(name) ?? name;
      for (const [name, value] of body.constants) know(state, renamed(name), value, value);
      for (const { name, captured, ...node } of body.nodes) {
        make({
          ...node,
          name: `${place}/${name}`,
          inputs: node.inputs.map(renamed),
          outputs: node.outputs.map(renamed),
          ...(captured && { captured: new Map([...captured.keys()].map((inner) => [inner, renamed(inner)])) }),
        });
        if (problems.count + wanted.size > before) return undefined;
      }
      return body.outputs.map(({ name }) => renamed(name));
    },
    operand: (name) => operandOf(state, name),
  };
  return at;
}
