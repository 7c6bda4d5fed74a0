import { execFile } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { meanOfWords } from "../../text/networks.ts";
import { wordPiece } from "../../text/tokenizers.ts";
import { command, head, line, root, type Served, served } from "./server.ts";

const three = readFileSync(join(root, "demo/three.png"));
const folder = mkdtempSync(join(tmpdir(), "relprop-serve-"));
const at = (name: string) => join(folder, name);

let server: Served;
beforeAll(async () => {
  writeFileSync(at("two words.onnx"), meanOfWords({ words: 12, hidden: 5 }));
  writeFileSync(
    at("two words.relprop.json"),
    JSON.stringify({ tokenizer: "its.json", classes: ["bad", "fair", "good"] }),
  );
  writeFileSync(at("its.json"), JSON.stringify(wordPiece(["a", "hid", "##den", "gem", "film"])));
  const words = ["--workers", "2", "--max-body", "100kB"];
  server = await served(join(root, "demo/digits.onnx"), at("two words.onnx"), ...words);
});
afterAll(async () => {
  await server?.end();
  rmSync(folder, { recursive: true });
});

// These end what hangs.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

const path = "/explain/digits";
const ask = (where: string, init: RequestInit = { method: "POST", body: three }) => fetch(server.url + where, init);
const statuses = (heard: string) => [...heard.matchAll(/HTTP\/1\.1 (\d+) /g)].map(([, status]) => Number(status));

describe("relprop serve", () => {
  it("prepares a picture as the sidecar says, and names its class", async () => {
    const { targets } = await (await ask(path)).json();
    expect(targets[0][0]).toMatchObject({ index: 3, name: "three" });
  });

  it("takes texts where a tokenizer lies beside the model", async () => {
    const init = { method: "POST", body: JSON.stringify({ text: "a hidden gem" }) };
    const { text, targets } = await (await ask("/explain/two%20words?target=good", init)).json();
    expect(text.tokens).toEqual(["[CLS]", "a", "hidden", "gem", "[SEP]"]);
    expect(targets[0][0].name).toBe("good");
    const page = await ask("/explain/two%20words", { ...init, headers: { Accept: "text/html" } });
    expect(await page.text()).toContain("hidden</mark>");
    const strange = await ask("/explain/two%20words", {
      method: "POST",
      body: JSON.stringify({ text: "a", pair: "b" }),
    });
    expect([200, 422]).toContain(strange.status);
  });

  it("answers as its guide says", async () => {
    const guide = readFileSync(join(root, "docs/guides/service.md"), "utf8");
    const lines = [...guide.matchAll(/^curl .*$/gm)].map(([text]) => text.replace("http://127.0.0.1:8080", server.url));
    expect(lines.length).toBeGreaterThan(3);
    for (const text of lines) {
      const quiet = text.replace("curl", "curl --silent --show-error --fail").replace(/(> \S+)?$/, "> /dev/null");
      await promisify(execFile)("sh", ["-ec", quiet], { cwd: root });
    }
  });

  it("says how much memory it has", async () => {
    const text = await (await ask("/metrics", {})).text();
    expect(Number(/^process_resident_memory_bytes (\d+)$/m.exec(text)?.[1])).toBeGreaterThan(1e7);
  });

  it.each([
    ["two of one name", [join(root, "demo/digits.onnx"), at("digits.onnx")], /would both be 'digits'/],
    ["a file that is no network", [at("its.json")], /expected an ONNX model, got JSON/],
    ["a port that is taken", [join(root, "demo/digits.onnx")], /another program listens there already/],
  ])("refuses %s in a sentence", async (_, words, message) => {
    copyFileSync(join(root, "demo/digits.onnx"), at("digits.onnx"));
    const child = command(...words, "--port", `${server.port}`, "--workers", "1");
    let err = "";
    child.stderr!.on("data", (text) => (err += text));
    const [code] = await once(child, "close");
    expect([code, err]).toEqual([2, expect.stringMatching(message)]);
  });
});

describe("HTTP", () => {
  it("several requests on one connection, one after the other and all at once", async () => {
    const { write, until, socket } = await line(server.port);
    const request = Buffer.concat([Buffer.from(head(path, { "Content-Length": three.length })), three]);
    write(request);
    await until(/"ledger"/);
    write(Buffer.concat([request, Buffer.from(head("/health", {}, "GET")), request]));
    const heard = await until(/(HTTP\/1\.1 .*){4}"ledger".*\n$/s);
    expect(statuses(heard)).toEqual([200, 200, 200, 200]);
    // In their order.
    expect(heard.indexOf('"status":"ok"')).toBeGreaterThan(heard.indexOf('"ledger"'));
    socket.destroy();
  });

  it("a body in chunks, without a length", async () => {
    const { write, until, socket } = await line(server.port);
    write(head(path, { "Transfer-Encoding": "chunked" }));
    for (let i = 0; i < three.length; i += 50) {
      const part = three.subarray(i, i + 50);
      write(Buffer.concat([Buffer.from(`${part.length.toString(16)}\r\n`), part, Buffer.from("\r\n")]));
    }
    write("0\r\n\r\n");
    expect(statuses(await until(/"ledger"/))).toEqual([200]);
    socket.destroy();
  });

  it("a client that asks first: it is told to go on, or that its body is too large before it sends any", async () => {
    const good = await line(server.port);
    good.write(head(path, { "Content-Length": three.length, Expect: "100-continue" }));
    await good.until(/HTTP\/1\.1 100 Continue\r\n\r\n/);
    good.write(three);
    expect(statuses(await good.until(/"ledger"/))).toEqual([100, 200]);
    good.socket.destroy();
    for (const [where, length, status] of [
      [path, 1e9, 413],
      ["/explain/dogs", 10, 404],
    ] as const) {
      const bad = await line(server.port);
      bad.write(head(where, { "Content-Length": length, Expect: "100-continue" }));
      expect(statuses(await bad.until(/"message"/))).toEqual([status]);
      bad.socket.destroy();
    }
  });

  it("a body that is longer than its length: the rest is no request", async () => {
    const { write, until } = await line(server.port);
    write(
      Buffer.concat([
        Buffer.from(head(path, { "Content-Length": three.length })),
        three,
        Buffer.from("and more\r\n\r\n"),
      ]),
    );
    const heard = await until(/"http"/);
    expect(statuses(heard).at(-1)).toBe(400);
  });

  it("too long a body in chunks, and one whose length says so: 413, and the connection goes on", async () => {
    const { write, until, socket } = await line(server.port);
    const large = Buffer.alloc(120_000, 0x20);
    write(head(path, { "Transfer-Encoding": "chunked" }));
    write(Buffer.concat([Buffer.from(`${large.length.toString(16)}\r\n`), large, Buffer.from("\r\n0\r\n\r\n")]));
    await until(/"too-large"/);
    write(Buffer.concat([Buffer.from(head(path, { "Content-Length": large.length })), large]));
    await until(/"too-large".*"too-large"/s);
    write(head("/health", {}, "GET"));
    expect(statuses(await until(/"ok"/))).toEqual([413, 413, 200]);
    socket.destroy();
  });

  it("a body that nobody wants, and the next request behind it", async () => {
    const { write, until, socket } = await line(server.port);
    const body = Buffer.alloc(90_000);
    write(Buffer.concat([Buffer.from(head("/explain/dogs", { "Content-Length": body.length })), body]));
    write(head("/health", {}, "GET"));
    expect(statuses(await until(/"ok"/))).toEqual([404, 200]);
    socket.destroy();
  });

  it("a body that stops coming, and headers that do: 408", async () => {
    const impatient = await served(join(root, "demo/digits.onnx"), "--workers", "1", "--timeout", "1");
    const [body, headers] = [await line(impatient.port), await line(impatient.port)];
    body.write(head(path, { "Content-Length": three.length }));
    body.write(three.subarray(0, 10));
    headers.write("POST /explain/digits HTTP/1.1\r\nHost: loc");
    for (const { until, socket } of [body, headers]) {
      expect(statuses(await until(/"timeout"/))).toEqual([408]);
      socket.destroy();
    }
    expect(await impatient.end("SIGINT")).toBe(0);
  });

  it("a body that is shorter than its length", async () => {
    const { write, until, socket } = await line(server.port);
    write(head(path, { "Content-Length": three.length }));
    write(three.subarray(0, 10));
    socket.end();
    expect(statuses(await until(/"http"/))).toEqual([400]);
  });

  it("a client that goes away in the middle, and what is no HTTP", async () => {
    const gone = await line(server.port);
    gone.write(head(path, { "Content-Length": three.length }));
    gone.write(three.subarray(0, 10));
    gone.socket.destroy();
    const other = await line(server.port);
    other.write("hello\r\n\r\n");
    expect(statuses(await other.until(/"http"/))).toEqual([400]);
    const odd = await line(server.port);
    odd.write(head("//evil.example/models", {}, "GET") + head("*", {}, "OPTIONS") + head("/models", {}, "TRACE"));
    expect(statuses(await odd.until(/(HTTP\/1\.1 .*){3}\}\n$/s))).toEqual([404, 400, 405]);
    odd.socket.destroy();
    expect((await ask(path)).status).toBe(200);
  });
});

it("on SIGTERM, finishes what runs, and ends with 0", async () => {
  const answers = Promise.allSettled(Array.from({ length: 8 }, () => ask(path).then((response) => response.status)));
  await new Promise((go) => setTimeout(go, 30));
  expect(await server.end()).toBe(0);
  for (const answer of await answers) if (answer.status === "fulfilled") expect([200, 503]).toContain(answer.value);
  expect(server.said()).toBe("relprop: shutting down; what runs is finished.\n");
});
