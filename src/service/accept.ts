import type { Format } from "./job.ts";
import { Refusal } from "./refusal.ts";
import { MEDIA } from "./written.ts";

/**
 * The forms that an Accept header asks for, the one that it wants most first. Of several ranges that a form is in, the
 * narrowest says how much it is wanted.
 *
 * @param formats those that there are
 * @throws Refusal 406 where none is accepted
 */
export function acceptedOf(header: string | null, formats: readonly Format[]): readonly Format[] {
  const ranges = (header?.trim() || "*/*").split(",").map((part, at) => {
    const [type, ...parameters] = part.split(";").map((text) => text.trim().toLowerCase());
    const q = parameters.find((text) => text.startsWith("q="));
    return { type, at, weight: q === undefined ? 1 : Number(q.slice(2)) };
  });
  const found = formats.flatMap((format) => {
    const [narrowest] = ranges
      .filter(({ type }) => matches(type, MEDIA[format]))
      .sort((a, b) => breadth(a.type) - breadth(b.type));
    return narrowest?.weight > 0 ? { ...narrowest, format } : [];
  });
  if (found.length > 0) return found.sort((a, b) => b.weight - a.weight || a.at - b.at).map(({ format }) => format);
  const media = formats.map((format) => MEDIA[format]).join(", ");
  throw new Refusal(406, "format", `Accept: expected one of ${media}, got ${header}.`);
}

const matches = (type: string, media: string) =>
  type === "*/*" || type === media || (type.endsWith("/*") && media.startsWith(type.slice(0, -1)));

/** How many stars a range has. */
const breadth = (type: string) => type.split("*").length;
