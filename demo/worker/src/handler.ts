import { encode } from "fast-png";
import { composites, defaultComposite, type Explanation, heatmap, load, type Model, preprocess } from "relprop";
import settings from "../../digits.relprop.json" with { type: "json" };
import { MAX_BODY, withBody } from "./body.ts";
import { decoderOf, MAX_PIXELS } from "./decode.ts";
import { type Digit, digitOf } from "./digit.ts";
import { errorAnswer, Refusal } from "./refusal.ts";

const USAGE = `What makes this picture a seven? POST a picture of a digit to find out.

  curl --data-binary @seven.png -H 'Content-Type: image/png' 'URL/?format=png' > seven.heatmap.png

Content-Type  image/png, image/jpeg or image/webp, at most ${MAX_BODY} bytes and ${MAX_PIXELS} pixels
composite     ${composites.map(({ name }) => name).join(", ")}; default ${defaultComposite}
target        the class to explain, 0 to 9 or zero to nine; default: the one that the network says
format        json or png; without it the Accept header decides, and json is the default

Errors are JSON: { "error": { "code", "message" } }
`;

const METHODS: Readonly<Record<string, (model: Model, request: Request) => Response | Promise<Response>>> = {
  GET: () => new Response(USAGE),
  HEAD: () => new Response(null, { headers: { "Content-Type": "text/plain;charset=UTF-8" } }),
  POST: explain,
};
const QUERY = ["composite", "target", "format"];
const FORMATS = { json, png };
/** What an Accept header may ask for; of several the first counts. */
const ACCEPTED: Readonly<Record<string, keyof typeof FORMATS>> = {
  "application/json": "json",
  "application/*": "json",
  "image/png": "png",
  "image/*": "png",
  "*/*": "json",
};
/** Bytes of the model's memory, of the 128 MB that Cloudflare gives an isolate. */
const MAX_MEMORY = 32 * 2 ** 20;
/** The square that a heatmap has for each pixel that the network sees. */
const SCALE = 10;

/** An explanation, and of what. */
interface Found {
  readonly explanation: Explanation;
  readonly composite: string;
  readonly digit: Digit;
}

/**
 * Loads the network, once; what it returns answers requests.
 *
 * @param onnx the bytes of demo/digits.onnx
 */
export async function serve(onnx: Uint8Array | ArrayBuffer): Promise<(request: Request) => Promise<Response>> {
  const model = await load(onnx, { classes: settings.classes, maxMemory: MAX_MEMORY });
  return (request) => answer(model, request).catch(errorAnswer);
}

async function answer(model: Model, request: Request): Promise<Response> {
  const { pathname } = new URL(request.url);
  if (pathname !== "/") throw new Refusal(404, "path", `path: expected /, got ${pathname}.`);
  const methods = Object.keys(METHODS);
  if (!methods.includes(request.method))
    throw new Refusal(405, "method", `method: expected ${methods.join(", ")}, got ${request.method}.`, {
      Allow: methods.join(", "),
    });
  return METHODS[request.method](model, request);
}

async function explain(model: Model, request: Request): Promise<Response> {
  const query = queryOf(request);
  const write = FORMATS[formatOf(request, query)];
  const decode = decoderOf(request);
  return withBody(request, (file) =>
    write(find(model, digitOf(decode(file), Number(model.inputs[0].dims[3])), query), model),
  );
}

function find(model: Model, digit: Digit, { composite, target = "argmax" }: Record<string, string | undefined>): Found {
  const input = preprocess(digit.pixels, settings.preprocess as "unit", model.inputs[0]);
  // The range of what `unit` makes of pixels, for those that ask.
  const range = composites.find(({ name }) => name === composite)?.required ? { low: 0, high: 1 } : {};
  const explanation = model.explain(input, {
    composite,
    target: /^\d+$/.test(target) ? Number(target) : target,
    ...range,
  });
  return { explanation, composite: explanation.composite!, digit };
}

function json({ explanation, composite, digit: { pixels: _, ...seen } }: Found, { classes = [] }: Model): Response {
  const { output, targets, relevance, stability, notes } = explanation;
  const scores = classes.map((name, index) => ({ index, name, score: Number(output.data[index]) }));
  const [best] = [...scores].sort((a, b) => b.score - a.score);
  return Response.json({
    best,
    target: targets[0][0],
    composite,
    relevance: { dims: relevance.dims, data: Array.from(relevance.data) },
    scores,
    seen,
    stability,
    notes,
  });
}

/** Not by encodePng, which waits for the platform: heatmaps of many requests would wait together. */
function png({ explanation, digit }: Found): Response {
  const picture = heatmap(explanation.relevance, { scale: SCALE, over: digit.pixels });
  const file = encode({ ...picture, channels: 4 }, { zlib: { level: 1, mem: 0 } });
  return new Response(new Uint8Array(file), { headers: { "Content-Type": "image/png" } });
}

function queryOf(request: Request): Record<string, string> {
  const given = [...new URL(request.url).searchParams];
  const stray = given.find(([name], i) => !QUERY.includes(name) || given.findIndex(([other]) => other === name) < i);
  if (stray) throw new Refusal(400, "query", `query: expected ${QUERY.join(", ")}, each once, got ${stray[0]}.`);
  return Object.fromEntries(given);
}

function formatOf(request: Request, { format }: Record<string, string>): keyof typeof FORMATS {
  const names = Object.keys(FORMATS);
  if (names.includes(format)) return format as keyof typeof FORMATS;
  if (format !== undefined) throw new Refusal(400, "format", `format: expected ${names.join(" or ")}, got ${format}.`);
  const accept = request.headers.get("accept") ?? "*/*";
  const first = accept.split(",").map((type) => type.split(";")[0].trim().toLowerCase());
  const known = first.find((type) => Object.hasOwn(ACCEPTED, type));
  if (!known) throw new Refusal(406, "format", `Accept: expected application/json or image/png, got ${accept}.`);
  return ACCEPTED[known];
}
