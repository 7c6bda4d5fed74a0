import type { Explanation } from "../entries/index.ts";
import type { Streams } from "./command.ts";

/** What cannot be missed goes to stderr: an explanation that has exploded. */
export function warnOf(
  { stability, notes }: Pick<Explanation, "stability" | "notes">,
  { err }: Streams,
  of = "",
): void {
  if (stability.verdict === "amplified") err(`relprop: ${of}${notes[0].replace(/^Warning/, "warning")}\n`);
}
