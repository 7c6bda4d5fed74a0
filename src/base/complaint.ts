/** What an operator complains of; the stage that called it adds where. */
export class Complaint extends Error {
  readonly code: "unsupported" | "invalid-model" | "shape" | "usage";
  readonly expected: string;
  readonly received: string;
  readonly fix?: string;
  /** The inputs whose values are wanted, if that is all that is missing. */
  readonly wanted: readonly number[];

  constructor(
    code: Complaint["code"],
    expected: string,
    received: string,
    fix?: string,
    wanted: readonly number[] = [],
  ) {
    super(`expected ${expected}, got ${received}`);
    this.code = code;
    this.expected = expected;
    this.received = received;
    this.fix = fix;
    this.wanted = wanted;
  }
}

/** Stops with a complaint unless `condition` holds. */
export function demand(
  condition: unknown,
  code: Complaint["code"],
  expected: string,
  received: string,
  fix?: string,
): asserts condition {
  if (!condition) throw new Complaint(code, expected, received, fix);
}
