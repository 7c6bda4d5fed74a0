import { MAX_BODY } from "./handler.ts";

/** What a message says. */
interface Order {
  /** The key of the input in the bucket: a picture, a .npy array, or JSON. */
  readonly input: string;
  /** The key that the answer gets; default: that of the input, and the ending of the answer. */
  readonly output?: string;
  /** A path of the service, with its query; default: "/explain/digits". */
  readonly path?: string;
  /** In which form; default: "application/json". */
  readonly accept?: string;
}

const KEYS = ["input", "output", "path", "accept"];
/** Bytes of a key: R2 takes 1024, and an ending may be added. */
const LONGEST = 1000;
const ENDINGS: Readonly<Record<string, string>> = { "application/json": "json", "image/png": "png" };
/** Seconds until a message is tried again. */
const LATER = 10;

/** What became of a message. */
interface Result {
  readonly key: string;
  readonly response: Response;
}

/** Why a message can never be done: it is written down, and not tried again. */
const impossible = (status: number, code: string, message: string) =>
  Response.json({ error: { code, message } }, { status });

/**
 * Answers messages as the service answers requests: it reads the input from the bucket, and writes the answer to it.
 * Messages are done one after the other, so that their pixels never add up. A message that comes twice, which queues
 * may do, writes the same answer to the same place.
 *
 * A message that cannot be done is answered by the error as JSON and is not tried again. Where the bucket fails, or
 * there is no room now, the message goes back to the queue, which tries it again as often as wrangler.queue.jsonc says.
 */
export function consumerOf(fetch: (request: Request) => Promise<Response>) {
  return async ({ messages }: MessageBatch, { BUCKET }: { readonly BUCKET: Bucket }): Promise<void> => {
    for (const message of messages) {
      try {
        const { key, response } = await answerTo(message, BUCKET, fetch);
        if (response.status >= 500) throw new Error(await response.text());
        const contentType = response.headers.get("content-type") ?? undefined;
        await BUCKET.put(key, await response.arrayBuffer(), { httpMetadata: { contentType } });
        message.ack();
      } catch (error) {
        console.error(`message ${message.id}: ${(error as Error).message}`);
        message.retry({ delaySeconds: LATER });
      }
    }
  };
}

async function answerTo(
  { id, body }: Message,
  bucket: Bucket,
  fetch: (request: Request) => Promise<Response>,
): Promise<Result> {
  const order = orderOf(body);
  if (!order)
    return {
      key: `errors/${id}.json`,
      response: impossible(
        400,
        "message",
        `message: expected { input, output?, path?, accept? }, all texts; keys of 1 to ${LONGEST} bytes.`,
      ),
    };
  const { input, path = "/explain/digits", accept = "application/json" } = order;
  const done = (response: Response): Result => {
    const type = response.headers.get("content-type")?.split(";")[0] ?? "";
    const ending = response.ok ? (ENDINGS[type] ?? "bin") : "error.json";
    return { key: response.ok && order.output ? order.output : `${order.output ?? input}.${ending}`, response };
  };
  const object = await bucket.get(input);
  if (!object) return done(impossible(404, "input", `input: there is no '${input}' in the bucket.`));
  if (object.size > MAX_BODY)
    return done(impossible(413, "too-large", `input: expected at most ${MAX_BODY} bytes, got ${object.size}.`));
  const request = requestOf(path, accept, await object.arrayBuffer());
  if (!request)
    return done(impossible(400, "message", "message: 'path' is none of the service, or 'accept' is no header."));
  return done(await fetch(request));
}

function requestOf(path: string, accept: string, body: ArrayBuffer): Request | undefined {
  try {
    return new Request(new URL(path, "http://queue"), { method: "POST", headers: { Accept: accept }, body });
  } catch {
    return undefined;
  }
}

function isKey(text: string): boolean {
  const { length } = new TextEncoder().encode(text);
  return length > 0 && length <= LONGEST;
}

function orderOf(body: unknown): Order | undefined {
  if (typeof body !== "object" || body === null) return undefined;
  const known = Object.entries(body).every(([key, value]) => KEYS.includes(key) && typeof value === "string");
  if (!known || !("input" in body)) return undefined;
  const { input, output = input } = body as Order;
  return isKey(input) && isKey(output) ? (body as Order) : undefined;
}
