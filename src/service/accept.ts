import type { Format } from "./job.ts";
import { Refusal } from "./refusal.ts";
import { MEDIA } from "./written.ts";

/**
 * The forms that an Accept header asks for, the one that it wants most first.
 *
 * @param formats those that there are
 * @throws Refusal 406 where none is accepted
 */
export function acceptedOf(header: string | null, formats: readonly Format[]): readonly Format[] {
  const asked = (header ?? "*/*").split(",").map((part) => {
    const [type, ...parameters] = part.split(";").map((text) => text.trim().toLowerCase());
    const q = parameters.find((text) => text.startsWith("q="));
    return { type, weight: q === undefined ? 1 : Number(q.slice(2)) };
  });
  const wanted = asked.filter(({ weight }) => weight > 0).sort((a, b) => b.weight - a.weight);
  const found = wanted.flatMap(({ type }) => formats.filter((format) => matches(type, MEDIA[format])));
  if (found.length > 0) return [...new Set(found)];
  const media = formats.map((format) => MEDIA[format]).join(", ");
  throw new Refusal(406, "format", `Accept: expected one of ${media}, got ${header}.`);
}

const matches = (type: string, media: string) =>
  type === "*/*" || type === media || (type.endsWith("/*") && media.startsWith(type.slice(0, -1)));
