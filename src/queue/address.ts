import { misuse, usage } from "../base/error.ts";

/** Where a Redis is, and which queue of it is meant. */
export interface Address {
  readonly host: string;
  readonly port: number;
  /** rediss: */
  readonly tls: boolean;
  readonly username?: string;
  readonly password?: string;
  /** The number of the database. */
  readonly db: number;
  /** The queue; undefined: all of them. */
  readonly name?: string;
}

const FORM = "redis://HOST[:PORT][/NAME][?db=N]";
/** What stands in keys of Redis, and in none of its patterns. */
const NAME = /^[\w.-]{1,100}$/;

export const isName = (text: string): boolean => NAME.test(text);

const decoded = (text: string): string | undefined => {
  try {
    return decodeURIComponent(text) || undefined;
  } catch {
    return text;
  }
};

/**
 * What the address of a queue says: `redis://HOST/NAME`, or `rediss:` for TLS, with user and password before the host,
 * and `?db=N` for another database than 0. Messages never repeat it, because it may hold a password.
 *
 * @param password where the address has none
 * @throws LrpError code "usage" for anything else
 * @example
 * addressOf("redis://queue.example/photos?db=2"); // { host: "queue.example", port: 6379, name: "photos", db: 2, … }
 */
export function addressOf(text: string, password?: string): Address {
  const where = "the address of the queue";
  if (typeof text !== "string" || !URL.canParse(text)) throw misuse(where, `it is none of the form ${FORM}`);
  const url = new URL(text);
  const scheme = url.protocol.slice(0, -1);
  if (scheme !== "redis" && scheme !== "rediss") throw usage(where, "redis: or rediss:", `${scheme}:`);
  const host = url.hostname.replace(/^\[(.*)\]$/, "$1");
  if (host === "") throw misuse(where, `it has no host: it has the form ${FORM}`);
  const name = url.pathname.replace(/^\//, "");
  if (name !== "" && !isName(name))
    throw usage(`${where}, the queue's name`, "up to 100 letters, digits, '_', '.' and '-'", `'${name}'`);
  const stray = [...url.searchParams.keys()].find((key) => key !== "db");
  if (stray !== undefined || url.hash !== "")
    throw usage(where, "only ?db=N behind the name", `'${stray ?? url.hash}'`);
  const db = url.searchParams.get("db") ?? "0";
  if (!/^\d{1,5}$/.test(db)) throw usage(`${where}, ?db`, "the number of a database", `'${db}'`);
  return Object.freeze({
    host,
    port: Number(url.port || 6379),
    tls: scheme === "rediss",
    username: decoded(url.username),
    password: decoded(url.password) ?? password,
    db: Number(db),
    name: name || undefined,
  });
}

/** The address as messages show it: without a password. */
export function shownAddress({ host, port, tls, db, name }: Address): string {
  const server = `${tls ? "rediss" : "redis"}://${host.includes(":") ? `[${host}]` : host}${port === 6379 ? "" : `:${port}`}`;
  return `${server}${name === undefined ? "" : `/${name}`}${db === 0 ? "" : `?db=${db}`}`;
}
