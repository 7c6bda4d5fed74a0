import { LrpError } from "relprop";

/** Why a request is refused, and the status and headers that say so. */
export class Refusal extends Error {
  readonly status: number;
  readonly code: string;
  readonly headers: Record<string, string>;

  constructor(status: number, code: string, message: string, headers: Record<string, string> = {}) {
    super(message);
    this.status = status;
    this.code = code;
    this.headers = headers;
  }
}

/**
 * What an answer says about an error: relprop's own are about the query, unless they are about this worker's model or
 * memory.
 */
function refusalOf(error: unknown): Refusal {
  if (error instanceof Refusal) return error;
  if (error instanceof LrpError)
    return new Refusal(["usage", "rule"].includes(error.code) ? 400 : 500, error.code, error.message);
  console.error(error);
  return new Refusal(500, "internal", "The worker is at fault; its log says more.");
}

export function errorAnswer(error: unknown): Response {
  const { status, code, message, headers } = refusalOf(error);
  return Response.json({ error: { code, message } }, { status, headers });
}
