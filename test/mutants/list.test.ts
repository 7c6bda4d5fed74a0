import { expect, it } from "vitest";
import { misplaced } from "./check.ts";
import { mutants } from "./list.ts";

it("every fault still finds its text, once, and its tests", () => {
  expect(misplaced(mutants)).toEqual([]);
});
