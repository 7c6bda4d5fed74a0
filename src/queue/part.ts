import { LrpError } from "../base/error.ts";
import type { Tensor } from "../base/tensor.ts";
import type { EvaluationItem, Pool, Result } from "../parallel/pool/index.ts";
import type { Evaluation } from "../evaluate/index.ts";
import type { Answer, FileOf, Item, QueuedEvaluation, Study } from "./messages.ts";

/** Reads an input from a file that a job names. @throws LrpError for what is wrong with the file itself */
export type ReadInput = (file: FileOf, study: Study, pool: Pool) => Promise<Tensor>;

function refused(error: unknown): LrpError {
  if (error instanceof LrpError) return error;
  throw error;
}

/** What a worker of a queue has to say of an item. */
function answerOf({ id, relevance }: Item, { error, ...result }: Pick<Result<Evaluation>, "error" | "value">): Answer {
  // The pool counts the items of the job.
  if (error) return failed(id, error, /^item \d+: /);
  const { results, ...value } = result.value;
  const kept = (one: Evaluation["results"][number]): QueuedEvaluation["results"][number] =>
    relevance ? one : { ...one, relevance: undefined };
  return { id, value: { ...value, results: results.map(kept) } };
}

function failed(id: number, { code, issues }: LrpError, prefix: RegExp | string = ""): Answer {
  const named = issues.map((issue) => ({ ...issue, where: `item ${id}: ${issue.where.replace(prefix, "")}` }));
  return { id, error: { code, issues: named } };
}

/**
 * Explains and measures the items of a job. What is wrong with an item is its answer, and the others go on.
 *
 * @throws the signal's reason; what a file is not there for, which is not the item's fault
 */
export async function doPart(
  items: readonly Item[],
  study: Study,
  pool: Pool,
  read: ReadInput | undefined,
  signal: AbortSignal,
): Promise<readonly Answer[]> {
  const answers: Answer[] = [];
  const running: Item[] = [];
  async function* inputs(): AsyncGenerator<EvaluationItem> {
    for (const item of items) {
      const { id: _, relevance: __, input: given, ...own } = item;
      const input = "path" in given ? await read!(given, study, pool).catch(refused) : given;
      if (input instanceof LrpError) answers.push(failed(item.id, input));
      else {
        running.push(item);
        yield { ...own, input };
      }
    }
  }
  for await (const result of pool.evaluate(inputs(), { ...study.options, ordered: false, signal }))
    answers.push(answerOf(running[result.index], result));
  return answers;
}
