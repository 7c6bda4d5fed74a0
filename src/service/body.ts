import { busy, Refusal } from "./refusal.ts";

/**
 * So many times the largest body of one that is refused is read all the same: a connection that is closed early takes
 * the answer with it.
 */
const DROPPED = 8;

/** A request with what it holds of its body, and when its time is long over. */
interface Holder {
  bytes: number;
  readonly until: number;
}

/** What all bodies may hold together that are being read, or that wait for their answers. */
export class Bodies {
  readonly #maxBody: number;
  readonly #maxHeld: number;
  /** A platform may end a request without a word; what it held is forgotten when its time is over. */
  readonly #longest: number;
  readonly #holders = new Set<Holder>();

  /** @param longest milliseconds that a request may take */
  constructor(maxBody: number, maxHeld: number, longest: number) {
    this.#maxBody = maxBody;
    this.#maxHeld = maxHeld;
    this.#longest = longest;
  }

  /** Bytes that are held. */
  get held(): number {
    const now = Date.now();
    let sum = 0;
    for (const holder of this.#holders) {
      if (holder.until < now) this.#holders.delete(holder);
      else sum += holder.bytes;
    }
    return sum;
  }

  /**
   * Reads a body and hands it on. At most `maxBody` bytes of it are ever kept, whatever its headers say.
   *
   * @param signal ends the reading, with its reason
   * @throws Refusal 413 when it is too large, 503 when the bodies of too many requests are held, 400 when it breaks off
   */
  async with<T>(
    request: Request,
    signal: AbortSignal,
    use: (bytes: Uint8Array<ArrayBuffer>) => T,
  ): Promise<Awaited<T>> {
    const holder = { bytes: 0, until: Date.now() + 2 * this.#longest };
    this.#holders.add(holder);
    try {
      return await use(await this.#read(request, signal, holder));
    } finally {
      this.#holders.delete(holder);
    }
  }

  async #read(request: Request, signal: AbortSignal, holder: Holder): Promise<Uint8Array<ArrayBuffer>> {
    const declared = Number(request.headers.get("content-length") ?? 0);
    const most = DROPPED * this.#maxBody;
    let refusal = declared > this.#maxBody ? this.#tooLarge(`${declared} bytes`) : undefined;
    const kept: Uint8Array[] = [];
    let read = 0;
    try {
      for await (const part of declared > most ? [] : partsOf(request, signal)) {
        read += part.length;
        if (read > most) break;
        refusal ??= read > this.#maxBody ? this.#tooLarge("more") : this.#room(part.length);
        if (refusal) {
          holder.bytes = 0;
          kept.length = 0;
          continue;
        }
        holder.bytes += part.length;
        kept.push(part);
      }
    } catch (error) {
      // That it does not end is the smaller fault of a body that is too large.
      throw refusal ?? error;
    }
    if (refusal) throw refusal;
    return joined(kept);
  }

  #room(bytes: number): Refusal | undefined {
    if (this.held + bytes <= this.#maxHeld) return undefined;
    return busy("busy", "Too many large bodies at once. Try again in a second.");
  }

  #tooLarge(received: string): Refusal {
    return new Refusal(413, "too-large", `body: expected at most ${this.#maxBody} bytes, got ${received}.`);
  }
}

async function* partsOf({ body }: Request, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  const reader = body?.getReader();
  if (!reader) return;
  let stop = () => {};
  const stopped = new Promise<never>((_, reject) => {
    stop = () => reject(signal.reason);
  });
  stopped.catch(() => {});
  if (signal.aborted) stop();
  signal.addEventListener("abort", stop);
  const next = () =>
    Promise.race([reader.read(), stopped]).catch((error: Error) => {
      if (signal.aborted) throw signal.reason;
      throw new Refusal(400, "body", `body: expected all of it, got an error (${error.message}).`);
    });
  try {
    for (let part = await next(); !part.done; part = await next()) yield part.value;
  } finally {
    signal.removeEventListener("abort", stop);
    // Nobody waits for what is left, nor for whether it can be stopped.
    reader.cancel().catch(() => {});
  }
}

function joined(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
