import type * as BullMQ from "bullmq";
import type * as IORedis from "ioredis";
import { LrpError, misuse } from "../base/error.ts";
import { type Address, shownAddress } from "./address.ts";

/** Every key that BullMQ makes for a queue of relprop begins so. */
export const PREFIX = "relprop";
/** How long somebody is taken for there who does not say so again, in milliseconds. */
export const LEASE = 10_000;

/** How both packages are told to connect. */
type Connection = Pick<Address, "host" | "port" | "username" | "password" | "db"> & {
  /** What is asked waits while Redis is away. */
  readonly maxRetriesPerRequest: null;
  readonly tls?: object;
};

/** A Redis that answers. */
export interface Server {
  readonly address: Address;
  readonly redis: IORedis.Redis;
  readonly bullmq: typeof BullMQ;
  /** For BullMQ, which makes connections of its own. */
  readonly connection: Connection;
}

const installed = (): Promise<[typeof BullMQ, typeof IORedis]> => Promise.all([import("bullmq"), import("ioredis")]);

/** What needs not be installed for anything else. @throws LrpError "usage" where it is not */
export async function peers(load = installed): Promise<[typeof BullMQ, typeof IORedis]> {
  try {
    return await load();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ERR_MODULE_NOT_FOUND") throw error;
    throw misuse(
      "relprop/queue",
      "it needs the packages bullmq and ioredis, and they are not both installed",
      "Install them beside relprop: npm install bullmq ioredis",
    );
  }
}

const PASSWORD = "A password stands before the host, redis://:PASSWORD@HOST, or in RELPROP_REDIS_PASSWORD.";

/** Node's codes for what a network does. */
export const NETWORK =
  /^E(CONN|HOST|NET|AI_|NOTFOUND|TIMEDOUT|PIPE|PROTO)|^ERR_(SSL|TLS)|^(DEPTH_ZERO|CERT_|SELF_SIGNED|UNABLE_TO)/;

/** Node's codes for certificates that are not trusted. */
const CERTIFICATE = /^(DEPTH_ZERO|CERT_|SELF_SIGNED|UNABLE_TO|ERR_TLS_CERT)/;
const TRUST = "The variable NODE_EXTRA_CA_CERTS names a file with the certificate of whoever has signed it.";

/** What a Redis has against something, in a sentence; other errors as they are. */
export function naming(error: unknown, address: Address): unknown {
  if (error instanceof LrpError || !(error instanceof Error)) return error;
  const { code, message, name } = error as NodeJS.ErrnoException;
  const where = shownAddress(address);
  if (/NOAUTH|WRONGPASS|invalid password/i.test(message)) return misuse(where, "it refuses the password", PASSWORD);
  if (/^OOM/.test(message)) return misuse(where, "its memory is full: it may have no more (its maxmemory)");
  if (name === "ReplyError") return misuse(where, `Redis refuses (${message})`);
  if (CERTIFICATE.test(String(code))) return misuse(where, `its certificate is not trusted here (${code})`, TRUST);
  return NETWORK.test(String(code)) ? misuse(where, `there is no connection to a Redis (${code})`) : error;
}

/**
 * Connects to a Redis, which has to be there. Later it may be away for a while: what is asked then waits for it.
 *
 * @throws LrpError "usage" where it does not answer, refuses the password, or the packages are not installed
 */
export async function connect(address: Address): Promise<Server> {
  const [bullmq, { Redis }] = await peers();
  const { host, port, username, password, db, tls } = address;
  const connection: Connection = {
    ...{ host, port, username, password, db, maxRetriesPerRequest: null },
    ...(tls && { tls: {} }),
  };
  const trial = new Redis({ ...connection, lazyConnect: true, connectTimeout: LEASE, retryStrategy: () => null });
  let reason: unknown;
  trial.on("error", (error) => {
    reason = error;
  });
  try {
    await trial.connect();
    await trial.ping();
  } catch (error) {
    throw naming(reason ?? error, address);
  } finally {
    trial.disconnect();
  }
  const redis = new Redis(connection);
  // It is connected to again, and says nothing new until then.
  redis.on("error", () => {});
  return { address, redis, bullmq, connection };
}

/** Does something with a Redis, and lets go of it. @throws LrpError for what Redis refuses */
export async function withServer<T>(address: Address, work: (server: Server) => Promise<T>): Promise<T> {
  const server = await connect(address);
  try {
    return await work(server);
  } catch (error) {
    throw naming(error, address);
  } finally {
    server.redis.disconnect();
  }
}
