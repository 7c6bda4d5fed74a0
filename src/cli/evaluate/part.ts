/** How a folder of results was made: settings.json, the same on every machine and whatever is interrupted. */
export interface Settings {
  /** relprop's version. */
  readonly relprop: string;
  /** The command line as it has to be given again, without what changes no result (`--workers`, `--shard`). */
  readonly command: string;
  /** `process.version` where it began. */
  readonly node: string;
  readonly model: { readonly file: string; readonly sha256: string };
  readonly data: { readonly path: string; readonly kind: string; readonly sha256: string; readonly images: number };
  /** What is explained: "argmax", a class, … */
  readonly target: string;
  /** Labels in order, as they were given; the others are compared with the first. */
  readonly methods: readonly string[];
  /** Names of rows of `metrics`. */
  readonly metrics: readonly string[];
  /** Region, step, steps, replacement, score, seed. */
  readonly perturbation: Readonly<Record<string, unknown>>;
  /** How many images, from the first, have pictures. */
  readonly pictures: number;
  /** Of the intervals and tests too. */
  readonly seed: number;
  /** Other options that were given, and how pictures were prepared. */
  readonly options: Readonly<Record<string, unknown>>;
}

/** What one method got on one image. */
export interface MethodPart {
  readonly method: string;
  /** By metric; null: undefined for this image. */
  readonly values: Readonly<Record<string, number | null>>;
  /** Why, for those that are null. */
  readonly missing: Readonly<Record<string, string>>;
  /** Scores while pixels are replaced, by order. */
  readonly curves: Readonly<Record<string, readonly number[]>>;
  /** The explanation has exploded: `stability` says "amplified". */
  readonly amplified?: true;
}

/** What was measured on one image: parts/00000.json. */
export interface Part {
  /** Its number in the data. */
  readonly image: number;
  /** The file's name, or "#12". */
  readonly name: string;
  readonly label?: { readonly index: number; readonly name?: string };
  readonly predicted: { readonly index: number; readonly name?: string; readonly logit: number };
  /** How many regions (single pixels, if these have one) are replaced at each point of the curves. */
  readonly replaced?: readonly number[];
  /** In the order of `Settings.methods`. */
  readonly methods: readonly MethodPart[];
  /** Whether the input itself can be drawn: of a row of features there is no picture. */
  readonly drawn?: true;
}

/**
 * The picture of an image under a method, or of the image itself, in the folder of results.
 * @example pictureFile(3, "paperEpsilon:lrn=taylor"); // "pictures/00003-paperEpsilon_lrn=taylor.png"
 */
export function pictureFile(image: number, of: "input" | (string & {})): string {
  return `pictures/${String(image).padStart(5, "0")}-${of.replace(/[^A-Za-z0-9.=-]/g, "_")}.png`;
}
