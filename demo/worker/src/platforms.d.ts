/* What the three entries use of their platforms. */

/** By the rules of wrangler.jsonc. */
declare module "*.onnx" {
  const bytes: ArrayBuffer;
  export default bytes;
}

type Fetch = (request: Request) => Promise<Response>;

declare const Deno: {
  readonly args: readonly string[];
  readFile(path: URL): Promise<Uint8Array>;
  serve(options: { port: number }, fetch: Fetch): unknown;
};

declare const Bun: {
  readonly argv: readonly string[];
  file(path: URL): Blob;
  serve(options: { port: number; fetch: Fetch }): { readonly url: URL };
};

/** A bucket of R2. */
interface Bucket {
  get(key: string): Promise<{ readonly size: number; arrayBuffer(): Promise<ArrayBuffer> } | null>;
  put(key: string, value: ArrayBuffer, options: { httpMetadata: { contentType?: string } }): Promise<unknown>;
}

/** A message of a queue. */
interface Message {
  readonly id: string;
  readonly body: unknown;
  ack(): void;
  retry(options: { delaySeconds: number }): void;
}

interface MessageBatch {
  readonly messages: readonly Message[];
}
