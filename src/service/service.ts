import { acceptedOf } from "./accept.ts";
import { Bodies } from "./body.ts";
import { contentOf } from "./content.ts";
import type { About, Engine } from "./engine.ts";
import { type Gauge, Metrics } from "./metrics.ts";
import { openapi } from "./openapi.ts";
import { queryOf } from "./query.ts";
import { Queue } from "./queue.ts";
import { errorMade, type Made, Refusal } from "./refusal.ts";
import { type Found, methodsOf, type RouteName, routes, routesOf } from "./routes.ts";
import { usage } from "./usage.ts";
import type { WebRequest, WebResponse } from "./web.ts";
import { CLOSING, unless, Work } from "./work.ts";

/** The bounds of a service. */
export interface ServiceOptions {
  /** Bytes of the largest body. Default: 16 MiB. */
  readonly maxBody?: number;
  /** Bytes that all bodies may hold together that are read, or wait. Default: eight times `maxBody`. */
  readonly maxHeld?: number;
  /** How many requests may wait for the engine. Default: 64. */
  readonly maxQueue?: number;
  /** Milliseconds that a request may take, from its first byte to its answer. Default: 30 000. */
  readonly timeout?: number;
  /** More numbers for `/metrics`, such as memory. */
  readonly gauges?: () => readonly Gauge[];
}

/** Networks that answer requests. */
export interface Service {
  readonly fetch: (request: WebRequest) => Promise<WebResponse>;
  /** Refuses from now on whatever has not begun. Settled when what runs is done. */
  close(): Promise<void>;
}

const MiB = 2 ** 20;

const text = (type: string, body: string): Made => ({ status: 200, headers: { "Content-Type": type }, body });
const json = (value: unknown): Made => text("application/json", `${JSON.stringify(value)}\n`);

/** So many characters of a path are repeated to whoever has sent it. */
const SHOWN = 100;

/** @throws Refusal 415 for a body that is packed: its bounds are those of what is sent */
function checkIdentity({ headers }: WebRequest): void {
  const coding = headers.get("content-encoding") ?? "identity";
  if (coding.trim().toLowerCase() === "identity") return;
  const sentence = `Content-Encoding: expected a body as it is, got one by '${coding.slice(0, SHOWN)}'.`;
  throw new Refusal(415, "type", sentence, { "Accept-Encoding": "identity" });
}

/**
 * Makes a service of an engine.
 *
 * @example
 * const engine = engineOf({ digits: { model, preset: "unit" } }, { decode: decodeImage, maxPixels: 2 ** 20 });
 * export default { fetch: createService(engine).fetch };
 */
export function createService(
  engine: Engine,
  {
    maxBody = 16 * MiB,
    maxHeld = 8 * maxBody,
    maxQueue = 64,
    timeout = 30_000,
    gauges = () => [],
  }: ServiceOptions = {},
): Service {
  const metrics = new Metrics();
  const bodies = new Bodies(maxBody, maxHeld, timeout);
  const queue = engine.slots === undefined ? undefined : new Queue(engine.slots, maxQueue);
  const works = new Set<Work>();
  let closing = false;
  let idle = () => {};

  const present = (): readonly Gauge[] => [
    { name: "relprop_requests_waiting", help: "Requests that wait for a worker.", value: queue?.waiting ?? 0 },
    { name: "relprop_requests_running", help: "Requests that a worker computes.", value: queue?.running ?? 0 },
    { name: "relprop_bodies_bytes", help: "Bytes of bodies that are held.", value: bodies.held },
    ...gauges(),
  ];

  const gets: Readonly<Record<Exclude<RouteName, "predict" | "explain">, () => Made>> = {
    usage: () => text("text/plain;charset=utf-8", usage(engine.models, maxBody)),
    models: () => json({ models: engine.models }),
    health: () => {
      if (closing) throw CLOSING();
      return json({ status: "ok" });
    },
    metrics: () => text("text/plain; version=0.0.4; charset=utf-8", metrics.text(present())),
    openapi: () => json(openapi()),
  };

  async function post(action: "predict" | "explain", { name: model }: About, request: Request): Promise<Made> {
    const query = queryOf(new URL(request.url).searchParams, routes[action].query);
    const formats = acceptedOf(request.headers.get("accept"), routes[action].formats);
    const full = closing ? CLOSING() : queue?.refusal();
    if (full) throw full;
    const type = request.headers.get("content-type");
    checkIdentity(request);
    const work = new Work(request.signal, timeout);
    works.add(work);
    try {
      return await bodies.with(request, work.signal, async (body) => {
        // What nobody can read does not wait.
        contentOf(body, type);
        work.stage = "waiting";
        const leave = await queue?.enter(work.signal);
        work.stage = "running";
        try {
          return await unless(work.signal, engine.run({ action, model, body, type, query, formats }, work.signal));
        } finally {
          leave?.();
        }
      });
    } finally {
      work.end();
      works.delete(work);
      if (works.size === 0) idle();
    }
  }

  async function answer(found: readonly Found[], request: Request): Promise<Made> {
    const { pathname } = new URL(request.url);
    if (found.length === 0)
      throw new Refusal(404, "path", `path: there is no ${pathname.slice(0, SHOWN)}. GET / lists what there is.`);
    const methods = methodsOf(found);
    const Allow = methods.join(", ");
    if (request.method === "OPTIONS") return { status: 204, headers: { Allow }, body: "" };
    if (!methods.includes(request.method))
      throw new Refusal(405, "method", `method: expected ${Allow}, got ${request.method}.`, { Allow });
    const [{ name, model }] = found;
    if (name !== "predict" && name !== "explain") return gets[name]();
    const about = engine.models.find((known) => known.name === model);
    const names = engine.models.map((known) => known.name).join(", ");
    if (!about)
      throw new Refusal(404, "model", `path: there is no network '${model?.slice(0, SHOWN)}'. There are ${names}.`);
    return post(name, about, request);
  }

  return {
    async fetch(request) {
      const began = performance.now();
      const found = routesOf(new URL(request.url).pathname);
      const { status, headers, body } = await answer(found, request).catch(errorMade);
      metrics.count(found.length > 0 ? routes[found[0].name].path : "none", status, (performance.now() - began) / 1000);
      // A response of status 204 may have no body at all.
      return new Response(request.method === "HEAD" || status === 204 ? null : body, { status, headers });
    },
    async close() {
      closing = true;
      for (const work of works) work.close();
      if (works.size > 0) await new Promise<void>((resolve) => (idle = resolve));
    },
  };
}
