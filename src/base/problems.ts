import { Complaint } from "./complaint.ts";
import { type Code, type Issue, LrpError } from "./error.ts";

/** Collects what is wrong in many places, so that all of it is told at once. */
export class Problems {
  readonly #found: { readonly code: Complaint["code"]; readonly issue: Issue }[] = [];

  get count(): number {
    return this.#found.length;
  }

  /** Runs `task`; a complaint of it becomes an issue at `where`, and the result is undefined. */
  attempt<R>(where: string, task: () => R): R | undefined {
    try {
      return task();
    } catch (error) {
      if (!(error instanceof Complaint)) throw error;
      const { code, expected, received, fix } = error;
      this.#found.push({ code, issue: { where, expected, received, fix } });
      return undefined;
    }
  }

  /** `task` for every item; those it complained of are left out. */
  collect<T, R>(items: readonly T[], where: (item: T) => string, task: (item: T) => R): R[] {
    return items.flatMap((item) => this.attempt(where(item), () => [task(item)]) ?? []);
  }

  /** @throws LrpError with every issue; its code, unless given, is "unsupported" if any of them is */
  raise(code?: Code): void {
    if (this.count === 0) return;
    const own = this.#found.some((p) => p.code === "unsupported") ? "unsupported" : this.#found[0].code;
    throw new LrpError(
      code ?? own,
      this.#found.map((p) => p.issue),
    );
  }
}
