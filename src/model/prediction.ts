import type { Axes } from "../base/layout.ts";
import type { Tensor } from "../base/tensor.ts";
import type { Plan } from "../plan/place.ts";
import type { Fitted } from "../run/fit.ts";
import type { Prediction } from "./report.ts";

/** What a plan has computed. @param name of the output that is meant @param axes which of its axes are what */
export function predictionOf({ graph, session }: Fitted, plan: Plan, name: string, axes: Axes): Prediction {
  const outputs = Object.fromEntries(
    [...plan.program.outputs].map(([key, value]) => {
      const type = graph.types.get(key) ?? "float32";
      const data = session.read(plan, value).slice();
      const tensor: Tensor = { data, dims: value.dims, ...(type !== "float32" && { type }) };
      return [key, tensor];
    }),
  );
  const { logits } = plan.program;
  const { batchAxis, channelAxis } = axes;
  const isPicture = outputs[name].dims.length > 2;
  return {
    output: {
      ...outputs[name],
      ...(batchAxis !== 0 && { batchAxis }),
      ...(isPicture && channelAxis && { channelAxis }),
    },
    outputs,
    logits: { data: session.read(plan, logits).slice(), dims: logits.dims },
  };
}
