import { existsSync, readFileSync, statSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { extname, join, normalize } from "node:path";

/** What a careful host sends with the page. */
export const CSP =
  "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; img-src 'self' blob: data:; style-src 'self'";

const types: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".css": "text/css",
  ".svg": "image/svg+xml",
};

export interface Served {
  readonly origin: string;
  /** Of every request: method, address, and how many bytes came with it. */
  readonly seen: { readonly method: string; readonly url: string; readonly bytes: number }[];
  close(): void;
}

/** Serves a folder's files, as they are, on this machine alone. */
export async function serve(folder: string): Promise<Served> {
  const seen: Served["seen"] = [];
  const server: Server = createServer((request, response) => {
    const { method = "", url = "" } = request;
    const entry = { method, url, bytes: 0 };
    seen.push(entry);
    request.on("data", (chunk: Buffer) => {
      entry.bytes += chunk.length;
    });
    const path = join(folder, normalize(new URL(url, "http://page").pathname));
    const file = existsSync(path) && statSync(path).isDirectory() ? join(path, "index.html") : path;
    const found = existsSync(file);
    const type = types[extname(file)] ?? "application/octet-stream";
    response.writeHead(found ? 200 : 404, {
      "Content-Type": type,
      "Content-Security-Policy": CSP,
      "X-Content-Type-Options": "nosniff",
    });
    response.end(found ? readFileSync(file) : undefined);
  });
  await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
  const { port } = server.address() as AddressInfo;
  return { origin: `http://127.0.0.1:${port}`, seen, close: () => server.close() };
}
