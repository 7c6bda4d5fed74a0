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
