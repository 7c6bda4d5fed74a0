import { LrpError } from "../../base/error.ts";
import type { Values } from "../options.ts";

/** Which part of the images one process measures. */
export interface Shard {
  /** From 1 to `of`. */
  readonly index: number;
  readonly of: number;
  /** The environment's variable that said so. */
  readonly from?: string;
}

/** What engines call the number of a task of several, and the number of the first. */
const variables = [
  { name: "SLURM_ARRAY_TASK_ID", first: 1, set: "--array=1-N of sbatch" },
  { name: "JOB_COMPLETION_INDEX", first: 0, set: "an Indexed Job of Kubernetes" },
] as const;

/** `--shard I/N` */
function said(text: string): Shard {
  const [, index, of] = /^(\d+)\/(\d+)$/.exec(text)?.map(Number) ?? [];
  if (index >= 1 && index <= of) return { index, of };
  throw new LrpError("usage", {
    where: "option '--shard'",
    expected: "I/N with an I from 1 to N, such as 1/2",
    received: `'${text}'`,
  });
}

/** `--shards N` */
function numbered(of: number, environment: Readonly<Record<string, string | undefined>>): Shard {
  const set = variables.filter(({ name }) => environment[name] !== undefined);
  const where = "option '--shards'";
  if (set.length !== 1)
    throw new LrpError("usage", {
      where,
      expected: `one of the variables ${variables.map(({ name, set }) => `${name} (which ${set} sets)`).join(" and ")}`,
      received: set.length === 0 ? "neither" : "both",
      fix: "Outside of these engines, say the shard: --shard 1/2.",
    });
  const [{ name, first }] = set;
  const text = environment[name]!;
  const index = /^\d{1,15}$/.test(text) ? Number(text) - first + 1 : Number.NaN;
  if (index >= 1 && index <= of) return { index, of, from: name };
  throw new LrpError("usage", {
    where: `${where}, variable ${name}`,
    expected: `a number from ${first} to ${of - 1 + first}, since there are ${of} shards`,
    received: `'${text}'`,
  });
}

/**
 * The part of the images that this process measures: by `--shard I/N`, or by `--shards N` and the number that SLURM or
 * Kubernetes gives to each of several tasks. Only that number is read of the environment, so that any task can be
 * repeated alone.
 *
 * @throws LrpError code "usage" for both options, for a number that is none of the shards', and for `--shards` where
 * no engine, or more than one, says which it is
 */
export function shardOf(
  { shard, shards }: Pick<Values, "shard" | "shards">,
  environment: Readonly<Record<string, string | undefined>>,
): Shard {
  if (shard !== undefined && shards !== undefined)
    throw new LrpError("usage", { where: "options", expected: "'--shard' or '--shards'", received: "both" });
  if (shard !== undefined) return said(shard);
  return shards === undefined ? { index: 1, of: 1 } : numbered(shards, environment);
}
