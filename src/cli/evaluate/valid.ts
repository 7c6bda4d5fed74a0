import { usage } from "../../base/error.ts";
import {
  type Check,
  checked,
  first,
  list,
  number,
  object,
  one,
  optional,
  orNull,
  record,
  SHA256,
  same,
  shape,
  text,
  whole,
  plain,
} from "../../base/shape.ts";
import { metrics } from "../../evaluate/index.ts";
import { parseJson } from "../files.ts";
import type { Part, Settings } from "./part.ts";

const settingsShape = shape({
  relprop: text,
  command: text,
  node: text,
  model: shape({ file: text, sha256: SHA256 }),
  data: shape({
    path: text,
    kind: text,
    sha256: SHA256,
    images: plain("1 or more", (v) => Number.isInteger(v) && (v as number) > 0),
  }),
  target: text,
  methods: list(text),
  metrics: list(one(metrics.map(({ name }) => name))),
  perturbation: object,
  pictures: whole,
  seed: whole,
  options: object,
});

/** The part of an image under these settings. */
function partShape({ methods, metrics: names }: Settings, image: number): Check {
  const kind = shape({ index: whole, name: optional(text) });
  const measured = (method: string) =>
    shape({
      method: same(method),
      values: shape(Object.fromEntries(names.map((name) => [name, orNull(number)]))),
      missing: record(text),
      curves: record(list(number)),
    });
  return shape({
    image: same(image),
    name: text,
    label: optional(kind),
    predicted: shape({ index: whole, name: optional(text), logit: number }),
    replaced: optional(list(number)),
    methods: (value, at) =>
      list(object)(value, at) ??
      same(methods.length)((value as unknown[]).length, `${at}.length`) ??
      first(methods.map((method, i) => measured(method)((value as unknown[])[i], `${at}[${i}]`))),
    drawn: optional(same(true)),
  });
}

const FIX = "It is damaged: remove it, and run the same line again.";

const read = <T>(content: string, path: string, check: Check): T =>
  checked(parseJson(content, path, "JSON, as relprop evaluate writes it", FIX), check, `file '${path}'`, FIX);

/** @throws LrpError code "usage" that names the file, and what of it is not as `relprop evaluate` writes it */
export const readSettingsText = (content: string, path: string): Settings => read(content, path, settingsShape);

/** @throws LrpError code "usage" that names the file, and what of it is not as `relprop evaluate` writes it */
export function readPartText(content: string, path: string, settings: Settings, image: number): Part {
  const part = read<Part>(content, path, partShape(settings, image));
  for (const { curves } of part.methods)
    for (const [order, points] of Object.entries(curves))
      if (points.length !== part.replaced?.length)
        throw usage(
          `file '${path}', curve '${order}'`,
          `${part.replaced?.length ?? 0} points`,
          `${points.length}`,
          FIX,
        );
  return part;
}
