/// <reference lib="esnext.disposable" preserve="true" />
/**
 * Networks over HTTP: one function from `Request` to `Response`, for any runtime. `relprop serve` is it with a server
 * and threads around it.
 *
 * @module relprop/service
 */
export type { About, Engine } from "./engine.ts";
export { engineOf } from "./engine.ts";
export type { Decode, Encoding, Format, Job, Prepared, Reading, Served } from "./job.ts";
export type { Gauge } from "./metrics.ts";
export { type Made, Refusal } from "./refusal.ts";
export type { Query } from "./query.ts";
export type { WebRequest, WebResponse, WebSignal } from "./web.ts";
export { createService, type Service, type ServiceOptions } from "./service.ts";
