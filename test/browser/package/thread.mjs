import { load } from "../../../dist/threads/index.js";
import { explainThree } from "./digit.mjs";

const settings = { threads: 2, relaxed: "never" };
explainThree(load, settings).then(
  (bits) => postMessage({ bits }),
  (error) => postMessage({ refusal: error.message }),
);
