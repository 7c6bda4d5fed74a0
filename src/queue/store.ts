import { createHash } from "node:crypto";
import { LrpError, misuse, usage } from "../base/error.ts";
import { isName } from "./address.ts";
import { queueOf } from "./jobs.ts";
import { fromText, toText } from "./json.ts";
import { CHUNK, INLINE, MOST_MESSAGE } from "./limits.ts";
import { checkedStudy, type File, type Message, type Study } from "./messages.ts";
import { LEASE, PREFIX, type Server } from "./redis.ts";

/*
 * What a queue keeps in Redis beside BullMQ's keys: its study, files and long messages in chunks, and who coordinates it.
 */

/** The set of the queues' names. */
const NAMES = `${PREFIX}-queues`;
const keyOf = (name: string, of: string) => `${PREFIX}-data:${name}:${of}`;
const chunkKey = (name: string, sha256: string, i: number) => keyOf(name, `file:${sha256}:${i}`);

export const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

export const fileOf = (bytes: Uint8Array): File => ({ sha256: sha256(bytes), bytes: bytes.length });

const chunks = ({ bytes }: File) => Math.ceil(bytes / CHUNK);

/** The names of the queues, sorted; what somebody else has put there that is none is left out. */
export const namesOf = async ({ redis }: Server): Promise<string[]> =>
  (await redis.smembers(NAMES)).filter(isName).sort();

/** The study of a queue; undefined where there is no such queue. @throws LrpError "usage" for one that is none */
export async function studyOf({ redis }: Server, name: string): Promise<Study | undefined> {
  const text = await redis.get(keyOf(name, "study"));
  return text === null ? undefined : checkedStudy(fromText(text, "the queue's study"));
}

/** Makes a queue of a study. @returns the study that is there: another one, if somebody has come before */
export async function begin(server: Server, name: string, study: Study): Promise<Study> {
  await server.redis.sadd(NAMES, name);
  await server.redis.set(keyOf(name, "study"), toText(study, "the study"), "NX");
  return (await studyOf(server, name))!;
}

/** Keeps a file, unless it is there. */
export async function keepFile({ redis }: Server, name: string, file: File, bytes: Uint8Array): Promise<void> {
  for (let i = 0; i < chunks(file); i++) {
    const chunk = bytes.subarray(i * CHUNK, (i + 1) * CHUNK);
    const key = chunkKey(name, file.sha256, i);
    if ((await redis.strlen(key)) !== chunk.length) await redis.set(key, Buffer.from(chunk));
  }
}

/** The chunks of a file, one after the other. @throws LrpError "usage" where one is missing, or has another length */
export async function* chunksOf({ redis }: Server, name: string, file: File): AsyncGenerator<Uint8Array> {
  for (let i = 0; i < chunks(file); i++) {
    const chunk = await redis.getBuffer(chunkKey(name, file.sha256, i));
    const length = Math.min(CHUNK, file.bytes - i * CHUNK);
    if (chunk?.length !== length)
      throw usage(`queue '${name}', a file's chunk ${i}`, `${length} bytes`, `${chunk?.length ?? "none"}`);
    yield chunk;
  }
}

/** Keeps a value as a message: a long one in chunks. @throws LrpError "memory" for one that is too long */
export async function keepMessage(server: Server, name: string, text: string, what: string): Promise<Message> {
  if (text.length <= INLINE) return { text };
  const bytes = new TextEncoder().encode(text);
  if (bytes.length > MOST_MESSAGE)
    throw new LrpError("memory", {
      where: what,
      expected: `at most ${MOST_MESSAGE} bytes for one job of a queue`,
      received: `${bytes.length}`,
      fix: "Files that every worker has need not travel: --data DIR.",
    });
  const file = fileOf(bytes);
  await keepFile(server, name, file, bytes);
  return file;
}

/** What a message says. @throws LrpError "usage" where a chunk is missing or damaged */
export async function readMessage(server: Server, name: string, message: Message, what: string): Promise<unknown> {
  if ("text" in message) return fromText(message.text, what);
  const bytes = Buffer.alloc(message.bytes);
  let at = 0;
  for await (const chunk of chunksOf(server, name, message)) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  if (sha256(bytes) !== message.sha256) throw misuse(what, "it was damaged on its way: its SHA-256 is another");
  return fromText(bytes.toString("utf8"), what);
}

/** Removes the chunks of a message, if it has some. */
export async function forgetMessage({ redis }: Server, name: string, message: Message): Promise<void> {
  if ("text" in message) return;
  for (let i = 0; i < chunks(message); i++) await redis.del(chunkKey(name, message.sha256, i));
}

const OWN = `if redis.call("get", KEYS[1]) == ARGV[1] then return redis.call("pexpire", KEYS[1], ARGV[2]) else return 0 end`;

/** Says again that this is who coordinates a queue. @returns who else does, if so */
export async function coordinate({ redis }: Server, name: string, who: string): Promise<string | undefined> {
  const key = keyOf(name, "coordinator");
  if ((await redis.set(key, who, "PX", LEASE, "NX")) === "OK") return undefined;
  if (Number(await redis.eval(OWN, 1, key, who, LEASE)) === 1) return undefined;
  return (await redis.get(key)) ?? undefined;
}

export const coordinatorOf = ({ redis }: Server, name: string): Promise<string | null> =>
  redis.get(keyOf(name, "coordinator"));

/** Lets another coordinate it. */
export async function resign(server: Server, name: string, who: string): Promise<void> {
  await server.redis.eval(OWN, 1, keyOf(name, "coordinator"), who, 1);
}

/** Removes a queue with all that belongs to it. */
export async function remove(server: Server, name: string): Promise<void> {
  const { redis } = server;
  const queue = queueOf(server, name);
  try {
    // Workers see that it has gone before they ask for another job.
    await redis.del(keyOf(name, "study"));
    await redis.srem(NAMES, name);
    await queue.obliterate({ force: true });
  } finally {
    await queue.close();
  }
  for (let cursor = "0"; ; ) {
    const [next, keys] = await redis.scan(cursor, "MATCH", keyOf(name, "*"), "COUNT", 1000);
    if (keys.length > 0) await redis.del(keys);
    cursor = next;
    if (cursor === "0") return;
  }
}
