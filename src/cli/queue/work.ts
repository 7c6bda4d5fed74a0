import { availableParallelism } from "node:os";
import { work } from "../../queue/index.ts";
import type { Streams } from "../command.ts";
import type { Arguments } from "../options.ts";
import { reader } from "./data.ts";
import { passwordOf } from "./submit.ts";

/** `relprop work URL` */
export async function workOn({ positionals: [address], values }: Arguments, streams: Streams): Promise<void> {
  const { workers = availableParallelism(), cache, data, once } = values;
  const read = data === undefined ? undefined : await reader(data);
  const { stoppable = (does) => does(new AbortController().signal) } = streams;
  await stoppable((signal) =>
    work(address, {
      ...{ workers, cache, read, once, signal },
      maxMemory: values["max-memory"],
      password: passwordOf(process.env),
      onNote: (note) => streams.err(`relprop: ${note}\n`),
    }),
  );
}
