import type { Remote, RemoteOf } from "../model/remote.ts";
import { Crew } from "./pool/crew.ts";
import type { Order } from "./pool/messages.ts";
import { copied, copyOf, loadOrder, valueOf } from "./pool/send.ts";
import { ownWorker } from "./pool/thread.ts";

/** @internal A model on a worker of its own. */
export const remoteOf: RemoteOf = (graph, module, options) => {
  let crew: Crew<Order> | undefined;
  let started: Promise<unknown> | undefined;
  const ask = async <T>(order: Order): Promise<T> => {
    if (!crew) {
      const load = { ...loadOrder(graph, options, "the options of load"), module };
      crew = new Crew<Order>("the model", 1, options.createWorker ?? ownWorker, load);
      crew.belongsTo(remote);
      started = crew.start("explainAsync and predictAsync");
    }
    await started;
    return valueOf(await crew.run(order).answer);
  };
  const remote: Remote = {
    predict: (input) => ask({ method: "predict", input: copyOf(input) }),
    explain: (input, given) => {
      const sent = copied(given, "the options of explainAsync");
      return ask({ method: "explain", input: copyOf(input), options: sent });
    },
    end: () => void crew?.end(),
  };
  return remote;
};
