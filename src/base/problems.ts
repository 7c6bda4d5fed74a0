import { Complaint } from "./complaint.ts";
import { type Code, type Issue, LrpError } from "./error.ts";

/** One thing that is wrong, and who has to act. */
export interface Problem {
  readonly code: Complaint["code"];
  readonly issue: Issue;
}

/** The error that tells all of them; its code, unless given, is "unsupported" if any of them is. */
export function errorOf(problems: readonly Problem[], code?: Code): LrpError {
  const own = problems.some((p) => p.code === "unsupported") ? "unsupported" : problems[0].code;
  return new LrpError(
    code ?? own,
    problems.map(({ issue }) => issue),
  );
}

/** Collects what is wrong in many places, so that all of it is told at once. */
export class Problems {
  readonly #found: Problem[] = [];

  get count(): number {
    return this.#found.length;
  }

  /** Those found after the first `count`. */
  since(count: number): readonly Problem[] {
    return this.#found.slice(count);
  }

  add(...problems: readonly Problem[]): void {
    this.#found.push(...problems);
  }

  /** Runs `task`; a complaint of it becomes an issue at `where`, and the result is undefined. */
  attempt<R>(where: string, task: () => R): R | undefined {
    try {
      return task();
    } catch (error) {
      if (!(error instanceof Complaint)) throw error;
      const { code, finding, fix, mentions } = error;
      this.#found.push({ code, issue: { where, ...finding, fix, mentions } });
      return undefined;
    }
  }

  /** `task` for every item; those it complained of are left out. */
  collect<T, R>(items: readonly T[], where: (item: T) => string, task: (item: T) => R): R[] {
    return items.flatMap((item) => this.attempt(where(item), () => [task(item)]) ?? []);
  }

  /** @throws LrpError with every issue, if there is one */
  raise(code?: Code): void {
    if (this.count > 0) throw errorOf(this.#found, code);
  }
}
