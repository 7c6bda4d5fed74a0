import { LrpError } from "../base/error.ts";

/** Why a request is refused, and the status and headers that say so. */
export class Refusal extends Error {
  readonly status: number;
  readonly code: string;
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, code: string, message: string, headers: Readonly<Record<string, string>> = {}) {
    super(message);
    this.name = "Refusal";
    this.status = status;
    this.code = code;
    this.headers = headers;
  }
}

/** An answer as data, which can be sent from a thread to another. */
export interface Made {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array<ArrayBuffer> | string;
}

/** What is asked for in the query; everything else that an LrpError may be about came in the body. */
const ASKED = /^(option|composite|rule|parameter) /;

/** The network has been loaded before, so what is wrong is what it was given. */
const statusOf = ({ code, issues }: LrpError): number =>
  code === "rule" || issues.every(({ where }) => ASKED.test(where)) ? 400 : 422;

function refusalOf(error: unknown): Refusal {
  if (error instanceof Refusal) return error;
  if (error instanceof LrpError) return new Refusal(statusOf(error), error.code, error.message);
  console.error(error);
  return new Refusal(500, "internal", "The service is at fault; its log says more.");
}

/** The answer that says what is wrong. */
export function errorMade(error: unknown): Made {
  const { status, code, message, headers } = refusalOf(error);
  return {
    status,
    headers: { ...headers, "Content-Type": "application/json" },
    body: `${JSON.stringify({ error: { code, message } })}\n`,
  };
}

/** The refusal of what would fit at another time. */
export const busy = (code: string, message: string): Refusal => new Refusal(503, code, message, { "Retry-After": "1" });
