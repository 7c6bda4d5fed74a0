import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
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

/** What a Redis asks of those who connect. */
interface Guard {
  readonly password: string;
  /** Files of the certificate that it shows, and of its key. */
  readonly cert: string;
  readonly key: string;
}

/**
 * A redis-server of the test's own, on a free port of loopback. It appends whatever it is told to a file in a temporary
 * folder, so that it still knows it after `restart`.
 */
export async function startRedis(guard?: Guard) {
  const dir = mkdtempSync(join(tmpdir(), "relprop-redis-"));
  const port = await freePort();
  const url = `${guard ? "rediss" : "redis"}://127.0.0.1:${port}`;
  const guarding = guard
    ? [
        ...["--port", "0", "--tls-port", `${port}`, "--tls-auth-clients", "no", "--requirepass", guard.password],
        ...["--tls-cert-file", guard.cert, "--tls-key-file", guard.key, "--tls-ca-cert-file", guard.cert],
      ]
    : ["--port", `${port}`];
  const own = guard && { password: guard.password, tls: { ca: readFileSync(guard.cert) } };
  let server: ChildProcess;

  const start = async () => {
    const options = ["--bind", "127.0.0.1", ...guarding, "--dir", dir, "--appendonly", "yes", "--save", ""];
    server = spawn("redis-server", options, { stdio: "ignore" });
    await once(server, "spawn");
    const client = new Redis(url, { maxRetriesPerRequest: null, retryStrategy: () => 50, ...own });
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
    start,
    /** Ends it; `start` begins it again. */
    end,
    async restart() {
      await end();
      await start();
    },
    async stop() {
      if (server.exitCode === null) await end();
      rmSync(dir, { recursive: true });
    },
  };
}
