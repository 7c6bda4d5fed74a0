import * as relprop from "relprop";
import * as image from "relprop/image";
import { reportImage } from "./report.mjs";

reportImage(relprop, image).then(console.log);
