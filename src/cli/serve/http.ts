import { createServer, type IncomingMessage, type Server, type ServerResponse, STATUS_CODES } from "node:http";
import type { Socket } from "node:net";

type Fetch = (request: Request) => Promise<Response>;

interface Bounds {
  /** Milliseconds that a request may take. */
  readonly timeout: number;
  /** Bytes of answers that clients have not yet taken. */
  readonly maxUnsent: number;
}

/** Connections at a time; more are closed at once. */
const CONNECTIONS = 2000;
/** So long a client may go on sending a body that nobody wants: who closes at once takes the answer with it. */
const LINGER = 2000;
/** Methods that a Request cannot have. */
const FOREIGN = ["TRACE", "TRACK", "CONNECT"];

const NO_BODY = ["GET", "HEAD"];

const errorJson = (code: string, message: string) => `${JSON.stringify({ error: { code, message } })}\n`;

/** A server of Node that answers by a function from Request to Response. */
export function serverOf(fetch: Fetch, { timeout, maxUnsent }: Bounds): Server {
  let unsent = 0;

  async function answer(req: IncomingMessage, res: ServerResponse, asks = false): Promise<void> {
    const gone = new AbortController();
    res.on("close", () => res.writableFinished || gone.abort());
    const { request, began, drop } = requestOf(req, res, asks, gone.signal);
    const response = unsent > maxUnsent ? busy() : request ? await fetch(request) : foreign(req);
    const body = Buffer.from(await response.arrayBuffer());
    if (res.destroyed) return;
    // Whether a body follows that was not asked for is the client's choice: the next request cannot be told from it.
    if (asks && !began()) res.setHeader("Connection", "close");
    res.writeHead(response.status, { ...Object.fromEntries(response.headers), ...lengthOf(req, response, body) });
    unsent += body.length;
    res.on("close", () => (unsent -= body.length));
    res.on("finish", () => {
      drop();
      if (!req.complete) setTimeout(() => req.complete || req.socket.destroy(), LINGER).unref();
    });
    res.end(body);
  }

  const failed = (res: ServerResponse) => (error: Error) => {
    console.error(error);
    res.destroy();
  };
  const server = createServer({ requestTimeout: 0, headersTimeout: timeout, connectionsCheckingInterval: 1000 });
  server.maxConnections = CONNECTIONS;
  // A request that is computed may be silent as long as it may take; so may a client that takes its answer.
  server.timeout = 2 * timeout;
  server.on("request", (req, res) => void answer(req, res).catch(failed(res)));
  server.on("checkContinue", (req, res) => void answer(req, res, true).catch(failed(res)));
  server.on("clientError", refuse);
  return server;
}

const lengthOf = ({ method }: IncomingMessage, { status }: Response, body: Buffer) =>
  method === "HEAD" || status === 204 ? {} : { "Content-Length": body.length };

/** A request, if it is one; whether its body has been asked for; and what lets go of the rest of it. */
interface Asked {
  readonly request?: Request;
  readonly began: () => boolean;
  readonly drop: () => void;
}

function requestOf(req: IncomingMessage, res: ServerResponse, asks: boolean, signal: AbortSignal): Asked {
  const { method = "GET", url = "/" } = req;
  const bare = { began: () => true, drop: () => void req.resume() };
  if (FOREIGN.includes(method) || !URL.canParse(addressOf(url))) return bare;
  const headers = new Headers();
  for (let i = 0; i < req.rawHeaders.length; i += 2) headers.append(req.rawHeaders[i], req.rawHeaders[i + 1]);
  if (NO_BODY.includes(method)) return { request: new Request(addressOf(url), { method, headers, signal }), ...bare };
  let begun = false;
  const { body, drop } = bodyOf(req, () => {
    if (asks && !begun) res.writeContinue();
    begun = true;
  });
  const init = { method, headers, signal, body, duplex: "half" };
  return { request: new Request(addressOf(url), init as RequestInit), began: () => begun, drop };
}

/** Whatever host is asked for. */
const addressOf = (url: string) => (url.startsWith("/") ? `http://localhost${url}` : url);

/** A body that is read from the connection only as fast as somebody takes it. */
function bodyOf(req: IncomingMessage, begin: () => void) {
  let open = true;
  const ended = (end: () => void) => {
    if (open) end();
    open = false;
  };
  const drop = () => {
    open = false;
    req.resume();
  };
  const body = new ReadableStream<Uint8Array>(
    {
      start(controller) {
        req.on("data", (part: Buffer) => {
          if (!open) return;
          controller.enqueue(new Uint8Array(part));
          req.pause();
        });
        req.on("end", () => ended(() => controller.close()));
        const broken = () => ended(() => controller.error(new Error("the connection ended before it did")));
        req.on("error", broken);
        req.on("close", broken);
        req.pause();
      },
      pull() {
        begin();
        req.resume();
      },
      cancel: drop,
    },
    { highWaterMark: 0 },
  );
  return { body, drop };
}

const busy = () =>
  new Response(errorJson("busy", "Too many answers wait for their clients. Try again in a second."), {
    status: 503,
    headers: { "Content-Type": "application/json", "Retry-After": "1" },
  });

/** The answer to what no Request can be made of. */
function foreign({ method, url }: IncomingMessage): Response {
  const isMethod = FOREIGN.includes(method!);
  const body = isMethod
    ? errorJson("method", `method: expected GET, HEAD, OPTIONS or POST, got ${method}.`)
    : errorJson("path", `path: expected an address, got ${url}.`);
  return new Response(body, { status: isMethod ? 405 : 400, headers: { "Content-Type": "application/json" } });
}

/** Why the parser refuses what a client sends, by Node's error code; others are 400. */
const PARSER: Readonly<Record<string, readonly [status: number, code: string, message: string]>> = {
  ERR_HTTP_REQUEST_TIMEOUT: [408, "timeout", "The headers did not come in time."],
  HPE_HEADER_OVERFLOW: [431, "headers", "The headers are too large."],
};

/** Answers what is no HTTP, unless an answer is under way. */
function refuse(error: NodeJS.ErrnoException, socket: Socket & { _httpMessage?: ServerResponse }): void {
  const free = socket.writable && !socket._httpMessage?.headersSent && error.code !== "ECONNRESET";
  if (!free) return void socket.destroy();
  const [status, code, message] = PARSER[error.code ?? ""] ?? [
    400,
    "http",
    `What was sent is no HTTP: ${error.message}.`,
  ];
  const body = errorJson(code, message);
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nConnection: close\r\nContent-Type: application/json\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
}
