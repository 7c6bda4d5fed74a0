import { afterEach, describe, expect, it, vi } from "vitest";
import type { Engine } from "../../src/service/engine.ts";
import type { Made } from "../../src/service/refusal.ts";
import { createService } from "../../src/service/service.ts";

afterEach(() => vi.useRealTimers());

const done: Made = { status: 200, headers: {}, body: "done" };
const NAN = Uint8Array.from("{}", (c) => c.charCodeAt(0));

/** An engine whose jobs end when they are told to, in the order in which they came. */
function held(slots: number) {
  const jobs: { end(): void; readonly signal: AbortSignal }[] = [];
  const engine: Engine = {
    models: [{ name: "n", inputs: [], outputs: [], text: false }],
    slots,
    run: (_, signal) => new Promise<Made>((resolve) => jobs.push({ signal, end: () => resolve(done) })),
  };
  return { engine, jobs };
}

/** Until everything that can go on has. */
const settle = () => new Promise((go) => setImmediate(go));

const post = (body: BodyInit | ReadableStream, signal?: AbortSignal) =>
  new Request("http://localhost/predict/n", { method: "POST", body, signal, duplex: "half" } as RequestInit);

/** A body that comes piece by piece. */
function slow() {
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
  const writer = writable.getWriter();
  return { readable, write: (part: Uint8Array) => writer.write(part), close: () => writer.close() };
}

const codeOf = async (response: Response) => [response.status, (await response.json()).error.code];

describe("a queue", () => {
  it("lets so many run and so many wait, in their order, and refuses the others", async () => {
    const { engine, jobs } = held(1);
    const { fetch } = createService(engine, { maxQueue: 2 });
    const [first, second, third] = [1, 2, 3].map(() => fetch(post(NAN)));
    await settle();
    const fourth = await fetch(post(NAN));
    expect([...(await codeOf(fourth)), fourth.headers.get("retry-after")]).toEqual([503, "busy", "1"]);
    for (const answer of [first, second, third]) {
      expect(jobs.length).toBe(1);
      jobs.shift()!.end();
      expect((await answer).status).toBe(200);
      await settle();
    }
  });

  it("forgets whose client goes away, and gives up what runs for one", async () => {
    const { engine, jobs } = held(1);
    const { fetch } = createService(engine, { maxQueue: 1 });
    const [a, b] = [new AbortController(), new AbortController()];
    const [running, waiting] = [fetch(post(NAN, a.signal)), fetch(post(NAN, b.signal))];
    await settle();
    b.abort();
    expect((await waiting).status).toBe(499);
    const next = fetch(post(NAN));
    await settle();
    a.abort();
    expect((await running).status).toBe(499);
    expect(jobs[0].signal.aborted).toBe(true);
    await settle();
    jobs[1].end();
    expect((await next).status).toBe(200);
  });
});

describe("time", () => {
  it("ends a body that does not come, what waits, and what runs", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const { engine, jobs } = held(1);
    const { fetch } = createService(engine, { timeout: 1000 });
    const body = slow();
    void body.write(NAN).catch(() => {});
    const [running, waiting, reading] = [fetch(post(NAN)), fetch(post(NAN)), fetch(post(body.readable))];
    await settle();
    vi.advanceTimersByTime(1001);
    expect(await codeOf(await reading)).toEqual([408, "timeout"]);
    expect(await codeOf(await waiting)).toEqual([503, "timeout"]);
    expect(await codeOf(await running)).toEqual([503, "timeout"]);
    expect(jobs.map(({ signal }) => signal.aborted)).toEqual([true]);
  });

  it("is not up for what is answered", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const { engine, jobs } = held(1);
    const { fetch } = createService(engine, { timeout: 1000 });
    const answer = fetch(post(NAN));
    await settle();
    jobs[0].end();
    expect((await answer).status).toBe(200);
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe("bodies", () => {
  it("hold so much together, and no more", async () => {
    const { engine, jobs } = held(9);
    const { fetch } = createService(engine, { maxBody: 1000, maxHeld: 2000 });
    const all = [slow(), slow()];
    const answers = all.map(({ readable }) => fetch(post(readable)));
    for (const { write } of all) await write(new Uint8Array(1000).fill(0x7b));
    await settle();
    expect(await codeOf(await fetch(post(NAN)))).toEqual([503, "busy"]);
    await Promise.all(all.map(({ close }) => close()));
    await settle();
    for (const { end } of jobs) end();
    expect((await Promise.all(answers)).map(({ status }) => status)).toEqual([200, 200]);
    const next = fetch(post(NAN));
    await settle();
    jobs[2].end();
    expect((await next).status).toBe(200);
  });

  it("are refused if they break off, and if they are longer than they may be, whatever they say", async () => {
    const { fetch } = createService(held(1).engine, { maxBody: 1000 });
    const body = new ReadableStream({ pull: (controller) => controller.error(new Error("gone")) });
    expect(await codeOf(await fetch(post(body)))).toEqual([400, "body"]);
    const long = slow();
    const answer = fetch(post(long.readable));
    await long.write(new Uint8Array(1001));
    await long.close();
    expect(await codeOf(await answer)).toEqual([413, "too-large"]);
    const lying = new Request("http://localhost/predict/n", {
      method: "POST",
      body: NAN,
      headers: { "Content-Length": "9999" },
    });
    expect(await codeOf(await fetch(lying))).toEqual([413, "too-large"]);
  });

  it("without an end are read only so far", async () => {
    const { fetch } = createService(held(1).engine, { maxBody: 1000 });
    let pulled = 0;
    const endless = new ReadableStream({
      pull(controller) {
        pulled++;
        controller.enqueue(new Uint8Array(100));
      },
    });
    expect(await codeOf(await fetch(post(endless)))).toEqual([413, "too-large"]);
    expect(pulled).toBeLessThan(100);
  });
});

it("a service that closes finishes what runs, and refuses the rest", async () => {
  const { engine, jobs } = held(1);
  const { fetch, close } = createService(engine);
  const body = slow();
  const [running, waiting, reading] = [fetch(post(NAN)), fetch(post(NAN)), fetch(post(body.readable))];
  await settle();
  let closed = false;
  const closing = close().then(() => (closed = true));
  expect(await codeOf(await waiting)).toEqual([503, "closing"]);
  expect(await codeOf(await reading)).toEqual([503, "closing"]);
  expect(await codeOf(await fetch(post(NAN)))).toEqual([503, "closing"]);
  expect((await fetch(new Request("http://localhost/health"))).status).toBe(503);
  await settle();
  expect(closed).toBe(false);
  jobs[0].end();
  expect((await running).status).toBe(200);
  await closing;
});
