import { LrpError } from "relprop";
import type { CallsLike, Refusal, Request, Tell } from "./calls.ts";

function failure(error: unknown): { refusal: Refusal } | { fault: string } {
  if (error instanceof LrpError) return { refusal: { code: error.code, issues: error.issues } };
  return { fault: error instanceof Error ? error.message : String(error) };
}

/** Answers the page, one call after the other, although some wait for the browser in between. */
export function answerWith<C extends CallsLike<C>>(calls: C): void {
  const answer = async ({ id, call, given }: Request<C>): Promise<void> => {
    const tell: Tell = (progress) => postMessage({ id, progress });
    try {
      postMessage({ id, answer: await calls[call](given as never, tell) });
    } catch (error) {
      postMessage({ id, ...failure(error) });
    }
  };
  let queue = Promise.resolve();
  addEventListener("message", ({ data }: MessageEvent<Request<C>>) => {
    queue = queue.then(() => answer(data));
  });
}

/** What a page has not, as an error of the library. */
export function refused(where: string, expected: string, received: string, fix?: string): LrpError {
  return new LrpError("usage", { where, expected, received, fix });
}
