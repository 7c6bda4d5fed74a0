import { once } from "node:events";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import { misuse } from "../base/error.ts";
import { createService } from "../service/service.ts";
import type { Streams } from "./command.ts";
import type { Arguments, Values } from "./options.ts";
import { serverOf } from "./serve/http.ts";
import { openAll } from "./serve/models.ts";
import { threadsOf } from "./serve/threads.ts";

const DEFAULTS = { host: "127.0.0.1", port: 8080, queue: 64, body: 2 ** 24, pixels: 2 ** 24, seconds: 30 };

/** What the system has against an address, by Node's error code. */
const TROUBLES: Readonly<Record<string, string>> = {
  EADDRINUSE: "another program listens there already",
  EADDRNOTAVAIL: "this machine does not have that address",
  EACCES: "permission is denied",
  ENOTFOUND: "there is no such host",
};

/** The file that a thread runs, without the process's flags, some of which a thread does not take. */
const startThread = () => new Worker(new URL("./serve-worker.js", import.meta.url), { execArgv: [] });

/** `relprop serve`: ends when it is told to. */
export async function serve({ positionals, values }: Arguments, { out, err }: Streams): Promise<void> {
  const told = new Promise((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, resolve);
  });
  const opened = await openAll(positionals, values);
  const load = {
    method: "load",
    models: opened.map(({ sent }) => sent),
    maxPixels: values["max-pixels"] ?? DEFAULTS.pixels,
  } as const;
  const size = values.workers ?? availableParallelism();
  const threads = threadsOf(
    opened.map(({ about }) => about),
    size,
    startThread,
    load,
  );
  const timeout = 1000 * (values.timeout ?? DEFAULTS.seconds);
  const maxBody = values["max-body"] ?? DEFAULTS.body;
  const gauges = () => [
    {
      name: "process_resident_memory_bytes",
      help: "Memory of the process, in bytes.",
      value: process.memoryUsage.rss(),
    },
  ];
  const bounds = { maxBody, maxQueue: values["max-queue"] ?? DEFAULTS.queue, timeout, gauges };
  const service = createService(threads, bounds);
  const server = serverOf(service.fetch, { timeout, maxUnsent: 8 * maxBody });
  try {
    await threads.start();
    out(`listening on ${await listen(server, values)}\n`);
    await told;
    err("relprop: shutting down; what runs is finished.\n");
    const late = setTimeout(() => server.closeAllConnections(), timeout);
    await service.close();
    await closed(server);
    clearTimeout(late);
  } finally {
    await threads.end();
  }
}

/** @throws LrpError code "usage" where it cannot listen there */
async function listen(server: Server, { host = DEFAULTS.host, port = DEFAULTS.port }: Values): Promise<string> {
  server.listen(port, host);
  try {
    await once(server, "listening");
  } catch (error) {
    const { code = "", message } = error as NodeJS.ErrnoException;
    const fix = code === "EADDRINUSE" ? "--port 0 takes a free one." : undefined;
    throw misuse(`${host}:${port}`, TROUBLES[code] ?? message, fix);
  }
  const { address, family, port: chosen } = server.address() as AddressInfo;
  return `http://${family === "IPv6" ? `[${address}]` : address}:${chosen}`;
}

/** Settled when clients have taken their answers, or are cut off. */
async function closed(server: Server): Promise<void> {
  server.close();
  // One that has its answer could ask for more.
  const sweep = setInterval(() => server.closeIdleConnections(), 50);
  await once(server, "close");
  clearInterval(sweep);
}
