import type { Format } from "./job.ts";
import { explainRows, predictRows, type QueryRow } from "./query.ts";

/** One path of a service: the table that the handler, `GET /` and `/openapi.json` read. */
export interface Route {
  readonly method: "GET" | "POST";
  /** `{model}` stands for the name of a network. */
  readonly path: string;
  readonly summary: string;
  readonly query: Readonly<Record<string, QueryRow>>;
  /** The forms that an Accept header may ask for; the first is the default. */
  readonly formats: readonly Format[];
}

const get = (path: string, summary: string) => ({ method: "GET", path, summary, query: {}, formats: [] }) as const;

export const routes = {
  usage: get("/", "what this service has, as text"),
  models: get("/models", "the networks, with their inputs, outputs and classes"),
  health: get("/health", "200 while requests are answered, 503 while the service shuts down"),
  metrics: get("/metrics", "requests, times, queue and memory, as Prometheus reads them"),
  openapi: get("/openapi.json", "this list as an OpenAPI document"),
  predict: {
    method: "POST",
    path: "/predict/{model}",
    summary: "runs a network on an input",
    query: predictRows,
    formats: ["json"],
  },
  explain: {
    method: "POST",
    path: "/explain/{model}",
    summary: "explains what a network saw in an input",
    query: explainRows,
    formats: ["json", "png", "html"],
  },
} as const satisfies Readonly<Record<string, Route>>;

export type RouteName = keyof typeof routes;

/** A route, and the name of the network in its path. */
export interface Found {
  readonly name: RouteName;
  readonly model: string;
}

/** The routes of a path, one for each of its methods. @param pathname percent-encoded, as URL has it */
export function routesOf(pathname: string): readonly Found[] {
  return (Object.keys(routes) as RouteName[]).flatMap((name) => {
    const [before, after] = routes[name].path.split("{model}");
    if (after === undefined) return pathname === before ? [{ name, model: "" }] : [];
    const rest = pathname.slice(before.length);
    return pathname.startsWith(before) && rest !== "" && !rest.includes("/") ? [{ name, model: decoded(rest) }] : [];
  });
}

/** What is no percent-encoding is the name of nothing. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** The methods that a path has. */
export function methodsOf(found: readonly Found[]): readonly string[] {
  const own = found.map(({ name }) => routes[name].method);
  return [...own, ...(own.includes("GET") ? ["HEAD"] : []), "OPTIONS"];
}
