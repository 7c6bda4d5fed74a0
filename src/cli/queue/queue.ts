import { misuse } from "../../base/error.ts";
import { printable } from "../../base/printable.ts";
import { clearQueue, listQueues } from "../../queue/index.ts";
import type { Streams } from "../command.ts";
import { columns } from "../layout.ts";
import type { Arguments } from "../options.ts";
import { passwordOf } from "./submit.ts";

const HEAD = ["queue", "waiting", "active", "done", "failed", ""];

/** `relprop queue list URL`, `relprop queue clear URL/NAME` */
export async function queue({ positionals: [what, address] }: Arguments, { out }: Streams): Promise<void> {
  const password = passwordOf(process.env);
  if (what === "clear") return clearQueue(address, password);
  if (what !== "list")
    throw misuse(
      "command 'queue'",
      `'${what}' is none of list and clear`,
      "For example: relprop queue list redis://HOST",
    );
  const queues = await listQueues(address, password);
  if (queues.length === 0) return out("There is no queue.\n");
  const rows = queues.map(({ name, waiting, active, done, failed, isCoordinated }) => [
    ...[printable(name), ...[waiting, active, done, failed].map(String)],
    isCoordinated ? "" : "waits for its 'relprop evaluate'",
  ]);
  out(columns([HEAD, ...rows], [1, 2, 3, 4]));
}
