import { Refusal } from "./refusal.ts";

const MiB = 2 ** 20;
/** The largest body. */
export const MAX_BODY = 4 * MiB;
/** What the bodies of all requests that are being read may hold together, in one isolate. */
export const MAX_HELD = 24 * MiB;

/**
 * So much of a body that is refused is read all the same: a connection that is closed early takes the answer with it.
 */
const MAX_DROPPED = 32 * MiB;

let held = 0;

/**
 * Reads a body and hands it on. At most `MAX_BODY` bytes of it are ever kept, whatever its headers say.
 *
 * @param use is not asynchronous: pictures are decoded, explained and drawn one after the other, so that their pixels
 * never add up
 * @throws Refusal 413 when it is too large, 503 when the bodies of too many requests are being read, 400 when it breaks
 * off
 */
export async function withBody<T>(request: Request, use: (bytes: Uint8Array) => T): Promise<T> {
  const declared = Number(request.headers.get("content-length") ?? 0);
  let refusal = declared > MAX_BODY ? tooLarge(`${declared} bytes`) : undefined;
  const kept: Uint8Array[] = [];
  let [own, read] = [0, 0];
  const drop = () => {
    held -= own;
    own = 0;
    kept.length = 0;
  };
  try {
    for await (const part of declared > MAX_DROPPED ? [] : partsOf(request)) {
      read += part.length;
      if (read > MAX_DROPPED) break;
      refusal ??= read > MAX_BODY ? tooLarge("more") : held + part.length > MAX_HELD ? busy() : undefined;
      if (refusal) {
        drop();
        continue;
      }
      held += part.length;
      own += part.length;
      kept.push(part);
    }
    if (refusal) throw refusal;
    return use(joined(kept));
  } finally {
    drop();
  }
}

const tooLarge = (received: string) =>
  new Refusal(413, "too-large", `body: expected at most ${MAX_BODY} bytes, got ${received}.`);
const busy = () =>
  new Refusal(503, "busy", "Too many large pictures at once. Try again in a second.", { "Retry-After": "1" });

async function* partsOf({ body }: Request): AsyncGenerator<Uint8Array> {
  const reader = body?.getReader();
  if (!reader) return;
  const next = () =>
    reader.read().catch((error: Error) => {
      throw new Refusal(400, "body", `body: expected all of it, got an error (${error.message}).`);
    });
  try {
    for (let part = await next(); !part.done; part = await next()) yield part.value;
  } finally {
    // Nobody waits for what is left, nor for whether it can be stopped.
    reader.cancel().catch(() => {});
  }
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
