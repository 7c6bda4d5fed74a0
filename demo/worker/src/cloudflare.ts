import digits from "../../digits.onnx";
import { serve } from "./handler.ts";

export default { fetch: await serve(digits) };
