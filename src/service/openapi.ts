import { kinds } from "../base/written.ts";
import { version } from "../kernels.gen.ts";
import { TYPES } from "./content.ts";
import type { QueryRow } from "./query.ts";
import { type Route, routes } from "./routes.ts";
import { MEDIA } from "./written.ts";

/** What a refusal means, by its status. */
const STATUSES: Readonly<Record<number, string>> = {
  400: "the query, or a body that is no JSON",
  404: "no such path, or no such network",
  405: "another method; Allow has those of the path",
  406: "Accept asks for a form that there is not",
  408: "the body did not come in time",
  413: "a body or a picture that is too large",
  415: "content that is not read, that is packed, or that Content-Type contradicts",
  422: "content that the network cannot take",
  503: "too many requests at a time, one that took too long, or a service that shuts down; Retry-After says when to try again",
};

const NUMBERS: readonly QueryRow["kind"][] = ["number", "count", "index", "axis", "amount"];

const schemaOf = ({ kind, choices }: QueryRow) => ({
  ...(choices ? { enum: choices } : {}),
  type: NUMBERS.includes(kind) ? (kind === "number" || kind === "amount" ? "number" : "integer") : "string",
});

function parameterOf([name, row]: readonly [string, QueryRow]) {
  const schema = schemaOf(row);
  return {
    name,
    in: "query",
    description: `${row.summary}${row.choices ? "" : ` (${kinds[row.kind].expected})`}`,
    schema: row.repeat ? { type: "array", items: schema } : schema,
  };
}

const refusals = Object.fromEntries(
  Object.entries(STATUSES).map(([status, description]) => [
    status,
    { description, content: { "application/json": { schema: { $ref: "#/components/schemas/Error" } } } },
  ]),
);

const answersOf = ({ formats }: Route) =>
  Object.fromEntries(
    formats.map((format) => [MEDIA[format], { schema: { type: format === "json" ? "object" : "string" } }]),
  );

const operationOf = (id: string, route: Route) => ({
  operationId: id,
  summary: route.summary,
  ...(route.method === "POST" && {
    parameters: [
      { name: "model", in: "path", required: true, schema: { type: "string" } },
      ...Object.entries(route.query).map(parameterOf),
    ],
    requestBody: {
      required: true,
      content: Object.fromEntries(
        TYPES.map((type) => [
          type,
          {
            schema:
              type === "application/json"
                ? { $ref: "#/components/schemas/Inputs" }
                : { type: "string", format: "binary" },
          },
        ]),
      ),
    },
  }),
  responses: {
    200: { description: "the answer", content: answersOf(route) },
    ...(route.method === "POST" && refusals),
  },
});

const TENSOR = {
  type: "object",
  required: ["dims", "data"],
  properties: {
    dims: { type: "array", items: { type: "integer", minimum: 0 } },
    data: { type: "array", items: { type: ["number", "boolean"] }, description: "one list, the last axis innermost" },
  },
};

/** The OpenAPI document of a service: https://spec.openapis.org/oas/v3.1.0 */
export function openapi() {
  return {
    openapi: "3.1.0",
    info: { title: "relprop", version, description: "Explains what neural networks saw." },
    paths: Object.fromEntries(
      Object.entries(routes).map(([id, route]) => [
        route.path,
        { [route.method.toLowerCase()]: operationOf(id, route) },
      ]),
    ),
    components: {
      schemas: {
        Error: {
          type: "object",
          required: ["error"],
          properties: {
            error: {
              type: "object",
              required: ["code", "message"],
              properties: { code: { type: "string" }, message: { type: "string" } },
            },
          },
        },
        Inputs: {
          oneOf: [
            {
              type: "object",
              required: ["inputs"],
              properties: { inputs: { type: "object", additionalProperties: TENSOR } },
            },
            {
              type: "object",
              required: ["text"],
              properties: { text: { type: "string" }, pair: { type: "string" } },
            },
          ],
        },
      },
    },
  };
}
