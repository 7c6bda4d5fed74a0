import digits from "../../digits.onnx";
import { serviceOf } from "./handler.ts";
import { consumerOf } from "./queue.ts";

const { fetch } = await serviceOf(digits);

export default { fetch, queue: consumerOf(fetch) };
