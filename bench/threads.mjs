/*
 * How much sooner do two threads finish than one?
 *   npm run bench:threads -- --networks vgg16,googlenet --threads 2 --seconds 5
 * One thread and several take turns on the same network, and must agree to the last bit before anything is timed.
 */
import { parseArgs } from "node:util";
import { load } from "../dist/node/index.js";
import { load as loadThreads } from "../dist/threads/index.js";
import { inputOf } from "./inputs.mjs";
import { alternate, differenceOf } from "./measure.mjs";
import { bytesOf, chosen, networkOf } from "./networks.mjs";
import { table } from "./table.mjs";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    networks: { type: "string" },
    threads: { type: "string", default: "2" },
    seconds: { type: "string", default: "5" },
    composite: { type: "string", default: "epsilonPlus" },
  },
});
const { composite } = values;
const threads = Number(values.threads);

const rows = [];
for (const key of chosen(values.networks, positionals)) {
  const network = networkOf(key);
  const one = await load(bytesOf(network));
  const several = await loadThreads(bytesOf(network), { threads });
  const input = inputOf(network, one.inputs);
  const calls = {
    predicts: (model) => model.predict(input).output,
    [`explains (${composite})`]: (model) => model.explain(input, { composite }).relevance,
  };
  for (const [what, call] of Object.entries(calls)) {
    differenceOf(`${network.name} ${what}`, call(several).data, call(one).data, 0);
    const times = await alternate(
      { one: () => void call(one), several: () => void call(several) },
      Number(values.seconds),
    );
    const [a, b] = [times.one.median, times.several.median];
    rows.push([network.name, what, a.toFixed(1), b.toFixed(1), (a / b).toFixed(2)]);
  }
  one.dispose();
  several.dispose();
}
console.log(table(["network", "", "one thread, ms", `${threads} threads, ms`, "times as fast"], rows));
