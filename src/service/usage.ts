import { TYPES } from "./content.ts";
import type { About } from "./engine.ts";
import { routes } from "./routes.ts";

/** What `GET /` says. */
export function usage(models: readonly About[], maxBody: number): string {
  const list = Object.values(routes).map(
    ({ method, path, summary }) => `  ${`${method} ${path}`.padEnd(25)}${summary}\n`,
  );
  return `What did this network see? POST an input to find out.

  curl --data-binary @photo.png 'URL/explain/${encodeURIComponent(models[0].name)}'
  curl --data-binary @photo.png -H 'Accept: image/png' 'URL/explain/${encodeURIComponent(models[0].name)}' > heatmap.png

Networks: ${models.map(({ name }) => name).join(", ")}

${list.join("")}
An input is one of ${TYPES.join(", ")}, at most ${maxBody} bytes.
JSON: { "inputs": { NAME: { "dims": [...], "data": [...] } } }, or { "text": "..." } where there is a tokenizer.
Accept chooses JSON, image/png, or text/html for texts. /openapi.json has every query.
Errors are JSON: { "error": { "code", "message" } }
`;
}
