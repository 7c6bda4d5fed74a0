import { expect, test } from "vitest";
import { shardOf } from "../../../src/cli/evaluate/shard.ts";

test("no option: all of it", () => {
  expect(shardOf({}, { SLURM_ARRAY_TASK_ID: "2" })).toEqual({ index: 1, of: 1 });
});

test("--shard I/N", () => {
  for (const index of [1, 2, 3]) expect(shardOf({ shard: `${index}/3` }, {})).toEqual({ index, of: 3 });
  for (const text of ["0/3", "4/3", "1", "1/", "a/b", "-1/2"])
    expect(() => shardOf({ shard: text }, {}), text).toThrow("option '--shard': expected I/N");
});

test("--shards N counts as the engine does: SLURM from 1, Kubernetes from 0", () => {
  for (const index of [1, 2, 3]) {
    const slurm = { SLURM_ARRAY_TASK_ID: `${index}`, SLURM_ARRAY_TASK_MIN: "2", SLURM_ARRAY_TASK_COUNT: "9" };
    expect(shardOf({ shards: 3 }, slurm)).toEqual({ index, of: 3, from: "SLURM_ARRAY_TASK_ID" });
    const kubernetes = { JOB_COMPLETION_INDEX: `${index - 1}` };
    expect(shardOf({ shards: 3 }, kubernetes)).toEqual({ index, of: 3, from: "JOB_COMPLETION_INDEX" });
  }
});

test.each([
  [
    { SLURM_ARRAY_TASK_ID: "0" },
    "SLURM_ARRAY_TASK_ID: expected a number from 1 to 3, since there are 3 shards, got '0'",
  ],
  [{ SLURM_ARRAY_TASK_ID: "4" }, "expected a number from 1 to 3"],
  [{ SLURM_ARRAY_TASK_ID: "" }, "got ''"],
  [{ SLURM_ARRAY_TASK_ID: "1e0" }, "got '1e0'"],
  [{ JOB_COMPLETION_INDEX: "3" }, "JOB_COMPLETION_INDEX: expected a number from 0 to 2"],
  [{ JOB_COMPLETION_INDEX: "-1" }, "got '-1'"],
  [{}, "got neither. Outside of these engines, say the shard: --shard 1/2"],
  [{ SLURM_ARRAY_TASK_ID: "1", JOB_COMPLETION_INDEX: "0" }, "got both"],
])("--shards 3 refuses %o", (environment, message) => {
  expect(() => shardOf({ shards: 3 }, environment)).toThrow(message);
});

test("both options are a mistake", () => {
  expect(() => shardOf({ shard: "1/2", shards: 2 }, {})).toThrow("expected '--shard' or '--shards', got both");
});
