import { clearQueue, evaluateOn, listQueues, work } from "relprop/queue";
import { model } from "./demo.mjs";

const url = "redis://127.0.0.1/mine";
const bytes = Uint8Array.from(atob(model), (letter) => letter.charCodeAt(0));
const all = { key: "none", ids: [], item: () => {}, options: { methods: [{ method: "epsilon" }], metrics: [] } };

// Each of them needs the packages, and says so.
for (const call of [
  () => listQueues(url),
  () => clearQueue(url),
  () => work(url, { workers: 1 }),
  () => evaluateOn(url, bytes, all).next(),
])
  await call().then(
    () => console.log("it needs no package"),
    (error) => console.log(`${error.name}: ${error.message}`),
  );
