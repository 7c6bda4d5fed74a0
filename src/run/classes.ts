import { distance } from "../base/distance.ts";
import { LrpError, type Mention, misuse } from "../base/error.ts";

/** The error for a target. */
export function wrongTarget(expected: string, received: string, fix?: string, mentions?: readonly Mention[]): LrpError {
  return new LrpError("usage", { where: "option 'target'", expected, received, fix, mentions });
}

/** The same, where a sentence says it better than a comparison. */
export const misusedTarget = (problem: string, fix?: string, mentions?: readonly Mention[]): LrpError =>
  misuse("option 'target'", problem, fix, mentions);

/** The class of a name; a class may have several names, separated by commas. */
function indexOfName(name: string, classes: readonly string[] | undefined): number {
  if (!classes)
    throw wrongTarget(
      "a class index",
      `the name '${name}'`,
      "Class names are known when they are given as option 'classes' of load.",
    );
  const wanted = name.trim().toLowerCase();
  const namesOf = (entry: string) => [entry, ...entry.split(",")].map((n) => n.trim().toLowerCase());
  const found = classes.flatMap((entry, i) => (namesOf(entry).includes(wanted) ? [i] : []));
  if (found.length === 1) return found[0];
  if (found.length > 1)
    throw misusedTarget(`the name '${name}' stands for the classes ${found.join(", ")}`, "Give the index of one.");
  const near = classes
    .map((entry, i) => ({
      text: `${i} '${entry}'`,
      far: Math.min(...namesOf(entry).map((n) => (n.includes(wanted) ? 0 : distance(n, wanted)))),
    }))
    .sort((a, b) => a.far - b.far)
    .slice(0, 3);
  throw wrongTarget("a class name", `'${name}'`, `Nearest: ${near.map((n) => n.text).join(", ")}.`);
}

/** @internal The class that an index or a name means. @param count how many there are */
export function classIndex(target: number | string, count: number, classes: readonly string[] | undefined): number {
  const index = typeof target === "number" ? target : indexOfName(target, classes);
  if (!Number.isInteger(index) || index < 0 || index >= count)
    throw wrongTarget(`a class from 0 to ${count - 1}`, String(target));
  return index;
}
