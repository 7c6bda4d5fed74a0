import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Redis } from "ioredis";

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, "close");
  return port;
}

/**
 * A redis-server of the test's own, on a free port of loopback. It appends whatever it is told to a file in a temporary
 * folder, so that it still knows it after `restart`.
 */
export async function startRedis() {
  const dir = mkdtempSync(join(tmpdir(), "relprop-redis-"));
  const port = await freePort();
  const url = `redis://127.0.0.1:${port}`;
  let server: ChildProcess;

  const start = async () => {
    const options = ["--bind", "127.0.0.1", "--port", `${port}`, "--dir", dir, "--appendonly", "yes", "--save", ""];
    server = spawn("redis-server", options, { stdio: "ignore" });
    await once(server, "spawn");
    const client = new Redis(url, { maxRetriesPerRequest: null, retryStrategy: () => 50 });
    // Until it listens, each attempt is an error.
    client.on("error", () => {});
    while ((await client.ping().catch(() => "it reads its file")) !== "PONG")
      await new Promise((go) => setTimeout(go, 50));
    client.disconnect();
  };
  const end = async () => {
    const ended = once(server, "exit");
    server.kill();
    await ended;
  };

  await start();
  return {
    url,
    async restart() {
      await end();
      await start();
    },
    async stop() {
      await end();
      rmSync(dir, { recursive: true });
    },
  };
}
