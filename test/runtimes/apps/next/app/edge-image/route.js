import * as relprop from "relprop";
import * as image from "relprop/image";
import { reportImage } from "../../report.mjs";

export const runtime = "edge";
export const dynamic = "force-dynamic";

export async function GET() {
  return new Response(await reportImage(relprop, image));
}
