import { execFileSync, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { type IncomingHttpHeaders, request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";

const worker = join(import.meta.dirname, "..");
const bin = (name: string) => join(worker, "node_modules/.bin", name);

/** What runs the handler. */
export interface Server {
  readonly url: string;
  /** The largest memory that its process has had, in bytes. */
  peak(): number;
  stop(): Promise<void>;
  /** What only Cloudflare has. */
  readonly cloudflare?: { readonly bucket: R2Bucket; readonly queue: { send(message: unknown): Promise<unknown> } };
}

/** Of a bucket, what is tested. */
interface R2Bucket {
  put(key: string, value: ArrayBuffer | string): Promise<unknown>;
  get(key: string): Promise<{
    readonly httpMetadata?: { readonly contentType?: string };
    text(): Promise<string>;
    arrayBuffer(): Promise<ArrayBuffer>;
  } | null>;
  list(): Promise<{ readonly objects: readonly { readonly key: string }[] }>;
}

/** Bundles the worker as a deployment would. @returns the folder, and what wrangler says */
export function bundled(): { readonly folder: string; readonly text: string } {
  const folder = mkdtempSync(join(tmpdir(), "relprop-worker-"));
  const env = { ...process.env, WRANGLER_SEND_METRICS: "false", NO_COLOR: "1" };
  const text = execFileSync(
    bin("wrangler"),
    ["deploy", "--config", "wrangler.queue.jsonc", "--dry-run", "--outdir", folder],
    {
      cwd: worker,
      env,
      encoding: "utf8",
    },
  );
  return { folder, text };
}

/** The bundle, in workerd, as `wrangler.queue.jsonc` says. @param entry a module that begins in its place */
export async function workerd(entry?: string): Promise<Server> {
  const { Miniflare } = await import("miniflare");
  const { folder } = bundled();
  const types = { js: "ESModule", wasm: "CompiledWasm", onnx: "Data" } as const;
  const files = readdirSync(folder).flatMap((name) =>
    Object.entries(types).flatMap(([end, type]) =>
      name.endsWith(`.${end}`) ? [{ type, path: join(folder, name) }] : [],
    ),
  );
  // The entry comes first.
  const modules = files.sort((a, b) => +(b.type === "ESModule") - +(a.type === "ESModule"));
  const { compatibility_date, queues, r2_buckets } = JSON.parse(
    readFileSync(join(worker, "wrangler.queue.jsonc"), "utf8"),
  );
  const [{ queue, max_batch_size, max_retries, dead_letter_queue }] = queues.consumers;
  const miniflare = new Miniflare({
    modules: [
      ...(entry === undefined ? [] : [{ type: "ESModule" as const, path: join(folder, "entry.js"), contents: entry }]),
      ...modules,
    ],
    modulesRoot: folder,
    compatibilityDate: compatibility_date,
    r2Buckets: { [r2_buckets[0].binding]: r2_buckets[0].bucket_name },
    queueProducers: { INPUTS: queue },
    queueConsumers: {
      [queue]: {
        maxBatchSize: max_batch_size,
        maxBatchTimeout: 1,
        maxRetries: max_retries,
        deadLetterQueue: dead_letter_queue,
      },
      ...(entry === undefined ? {} : { [dead_letter_queue]: { maxBatchTimeout: 1 } }),
    },
  });
  return {
    url: String(await miniflare.ready),
    cloudflare: {
      bucket: (await miniflare.getR2Bucket(r2_buckets[0].binding)) as unknown as R2Bucket,
      queue: await miniflare.getQueueProducer("INPUTS"),
    },
    peak: () => peakOf(workerdOf(process.pid)),
    async stop() {
      await miniflare.dispose();
      rmSync(folder, { recursive: true });
    },
  };
}

/** A command that serves on a free port and prints where. */
function command(name: string, ...args: string[]): () => Promise<Server> {
  return async () => {
    const child = spawn(bin(name), args, {
      cwd: worker,
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, NO_COLOR: "1" },
    });
    let said = "";
    const url = await new Promise<string>((found, failed) => {
      for (const stream of [child.stdout, child.stderr])
        stream.on("data", (text) => {
          said += text;
          const port = /Listening on http:\/\/[^:]+:(\d+)/.exec(said)?.[1];
          if (port) found(`http://127.0.0.1:${port}/`);
        });
      child.on("error", failed);
      child.on("exit", (code) => failed(new Error(`${name} ends with ${code}: ${said}`)));
    });
    return {
      url,
      peak: () => peakOf(readFileSync(`/proc/${child.pid}/status`, "utf8")),
      async stop() {
        child.kill();
      },
    };
  };
}

/** How each runtime is started, as demo/worker/README.md says. */
export const runtimes = [
  { name: "workerd", start: () => workerd(), there: existsSync(bin("workerd")) },
  {
    name: "Deno",
    start: command("deno", "run", "--allow-net", "--allow-read", "src/deno.ts", "0"),
    there: existsSync(bin("deno")),
  },
  { name: "Bun", start: command("bun", "src/bun.ts", "0"), there: existsSync(bin("bun")) },
];

const pidOf = (status: string) => Number(/Pid:\t(\d+)/.exec(status)![1]);
const peakOf = (status: string) => 1024 * Number(/VmHWM:\s+(\d+) kB/.exec(status)![1]);

/** What the system says of the workerd that was started last by a process. */
function workerdOf(parent: number): string {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => {
      try {
        return readFileSync(`/proc/${pid}/status`, "utf8");
      } catch {
        return "";
      }
    })
    .filter((text) => text.startsWith("Name:\tworkerd\n") && text.includes(`PPid:\t${parent}\n`))
    .sort((a, b) => pidOf(a) - pidOf(b))
    .at(-1)!;
}

export interface Sent {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
  /** Without Content-Length. */
  readonly chunked?: boolean;
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** Sends a request; the answer may come before all of it is sent, as fetch does not allow. */
export function send(url: string, { method = "POST", headers = {}, body, chunked = false }: Sent): Promise<Answer> {
  return new Promise((found, failed) => {
    const length = body && !chunked ? { "Content-Length": String(body.length) } : {};
    const sent = request(url, { method, headers: { ...headers, ...length }, agent: false }, (response) => {
      const parts: Buffer[] = [];
      response.on("data", (part) => parts.push(part));
      response.on("end", () => {
        found({ status: response.statusCode!, headers: response.headers, body: Buffer.concat(parts) });
        sent.destroy();
      });
      response.on("error", failed);
    });
    // After the answer, which is what counts, the server may close.
    sent.on("error", failed);
    for (let at = 0; body && at < body.length; at += 65536) sent.write(body.subarray(at, at + 65536));
    sent.end();
  });
}
