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

/** Headers under which a page may share memory between threads. */
export const ISOLATED = {
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
  // The threads of a model start from a text.
  "Content-Security-Policy": `${CSP}; worker-src 'self' blob:`,
};

const watch = readFileSync(join(import.meta.dirname, "watch.js"), "utf8");

/**
 * Serves a folder's files on this machine alone. @param watched puts watch.js before the other scripts of a page;
 * otherwise files are served as they are.
 */
export async function serve(
  folder: string,
  { headers = {}, watched = false }: { headers?: Readonly<Record<string, string>>; watched?: boolean } = {},
): Promise<Served> {
  const seen: Served["seen"] = [];
  const server: Server = createServer((request, response) => {
    const { method = "", url = "" } = request;
    const entry = { method, url, bytes: 0 };
    seen.push(entry);
    request.on("data", (chunk: Buffer) => {
      entry.bytes += chunk.length;
    });
    if (watched && url === "/watch.js") {
      response.writeHead(200, { "Content-Type": "text/javascript", ...headers }).end(watch);
      return;
    }
    const path = join(folder, normalize(new URL(url, "http://page").pathname));
    const file = existsSync(path) && statSync(path).isDirectory() ? join(path, "index.html") : path;
    const found = existsSync(file);
    const type = types[extname(file)] ?? "application/octet-stream";
    response.writeHead(found ? 200 : 404, {
      "Content-Type": type,
      "Content-Security-Policy": CSP,
      "X-Content-Type-Options": "nosniff",
      ...headers,
    });
    const content = found ? readFileSync(file) : undefined;
    const isPage = watched && type.startsWith("text/html");
    response.end(isPage ? `${content}`.replace("<head>", '<head><script src="/watch.js"></script>') : content);
  });
  await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
  const { port } = server.address() as AddressInfo;
  return { origin: `http://127.0.0.1:${port}`, seen, close: () => server.close() };
}
