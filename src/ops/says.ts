/*
 * Sentences that several rows say of relevance, "it", in the table of operators. One place has the words.
 */

export const LINEAR = "Any linear rule shares it.";
export const POSITIVE = "The rule norm or any other linear rule shares it; the weights are positive.";
export const PASSES = "It passes unchanged.";
export const MOVES = "It moves back to where each number came from.";
export const PARTLY = "It moves back to where each number came from. Numbers that were left out get none.";
export const REPEATED = "It moves back to where each number came from, and is added up where an index repeats.";
export const SLICES = "Each input gets the relevance of its slice.";
export const COPIES = "The relevance of all copies is added up.";
export const LOADING = "The operator is computed while the network is loaded, so it gets none.";
export const TENSORS = "Only the tensors are left once the network is loaded.";
export const UNKNOWN = "No rule is known.";

/** @param why without a full stop */
export const noRule = (why: string): string => `No rule is known: ${why}.`;

/** @param modes the names of the rules */
export const ownRules = (...modes: readonly string[]): string =>
  `The operator has rules of its own: ${modes.join(", ")}.`;

/** @param what the operators that take the place of one */
export const standsFor = (what: string): string => `It passes as through the ${what} that the operator stands for.`;

/** @param times when the body is inserted */
export const unrolls = (times: string): string => `The operator's body takes its place, once for each ${times}.`;
