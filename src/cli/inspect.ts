import type { Streams } from "./command.ts";
import { jsonLine } from "./layout.ts";
import { open } from "./open.ts";
import { type Arguments, givenIn } from "./options.ts";

export async function inspect({ positionals: [modelPath], values }: Arguments, { out }: Streams): Promise<void> {
  const { model } = await open(modelPath, values);
  const { text, nodes, parameters, notes } = model.inspect({
    ...givenIn(values, "rules"),
    dims: values.dims === undefined ? undefined : [values.dims].flat(),
  });
  const { inputs, outputs } = model;
  out(values.json ? jsonLine({ model: modelPath, inputs, outputs, parameters, nodes, notes }) : `${text.trimEnd()}\n`);
}
