import type { Axes } from "../base/layout.ts";
import { asType, type Tensor, type TensorData } from "../base/tensor.ts";
import { type Explained, scoredBy } from "../plan/explained.ts";
import type { Plan } from "../plan/place.ts";
import type { Fitted } from "../run/fit.ts";
import type { Prediction } from "./report.ts";

/** What a plan has computed. @param explained the output that is meant @param axesOf which axes of a value are what */
export function predictionOf(
  { graph, session }: Fitted,
  plan: Plan,
  explained: Explained,
  axesOf: (name: string) => Axes,
): Prediction {
  const outputs = Object.fromEntries(
    [...plan.program.outputs].map(([key, value]) => {
      const type = graph.types.get(key) ?? "float32";
      // Integers that are known are so beyond those of float32.
      const data = asType(type, graph.constants.get(key)?.data ?? session.read(plan, value));
      const tensor: Tensor<TensorData> = { data, dims: value.dims, ...(type !== "float32" && { type }) };
      return [key, tensor];
    }),
  );
  const marked = <Data extends TensorData>(tensor: Tensor<Data>, name: string): Tensor<Data> => {
    const { batchAxis, channelAxis } = axesOf(name);
    const isPicture = tensor.dims.length > 2;
    return {
      ...tensor,
      ...(batchAxis !== 0 && { batchAxis }),
      ...(isPicture && channelAxis && { channelAxis }),
    };
  };
  const { logits } = plan.program;
  const scores = { data: session.read(plan, logits).slice(), dims: logits.dims };
  return {
    output: marked(outputs[explained.output], explained.output),
    outputs,
    logits: explained.chooses ? marked(scores, scoredBy(explained)) : scores,
  };
}
