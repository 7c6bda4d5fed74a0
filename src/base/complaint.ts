import { type Finding, type Mention, said } from "./error.ts";

type Kind = "unsupported" | "invalid-model" | "shape" | "usage";

/** A complaint of an operator; the stage that called it adds where. */
export class Complaint extends Error {
  readonly code: Kind;
  readonly finding: Finding;
  readonly fix?: string;
  /** The names of values whose numbers are wanted, if that is all that is missing. */
  readonly wanted: readonly string[];
  readonly mentions?: readonly Mention[];

  constructor(
    code: Kind,
    finding: Finding,
    fix?: string,
    wanted: readonly string[] = [],
    mentions?: readonly Mention[],
  ) {
    super(said(finding));
    this.code = code;
    this.finding = finding;
    this.fix = fix;
    this.wanted = wanted;
    this.mentions = mentions;
  }
}

/** The complaint of what wants the numbers of values while loading, which the network computes from its input. */
export const needsNumbers = (finding: Finding, wanted: readonly string[]): Complaint =>
  new Complaint(
    "unsupported",
    finding,
    "If it is a step behind the network, such as a choice of boxes, leave it out: name the values before it as outputs of load.",
    wanted,
    [{ text: "outputs of load", option: "outputs" }],
  );

/** Stops with a complaint unless `condition` holds. */
export function demand(
  condition: unknown,
  code: Kind,
  expected: string,
  received: string,
  fix?: string,
): asserts condition {
  if (!condition) throw new Complaint(code, { expected, received }, fix);
}

/** The same, where a sentence says it better than a comparison. */
export function insist(condition: unknown, code: Kind, problem: string, fix?: string): asserts condition {
  if (!condition) throw new Complaint(code, { problem }, fix);
}
