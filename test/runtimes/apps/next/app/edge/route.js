import * as relprop from "relprop";
import { report } from "../../report.mjs";

export const runtime = "edge";
export const dynamic = "force-dynamic";

export async function GET() {
  return new Response(await report(relprop));
}
