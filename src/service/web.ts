/*
 * Types of the web, for programs that TypeScript checks without its library of a page: there they are any object.
 */
type Of<Name extends string> =
  typeof globalThis extends Readonly<Record<Name, { readonly prototype: infer T }>> ? T : object;

export type WebRequest = Of<"Request">;
export type WebResponse = Of<"Response">;
export type WebSignal = Of<"AbortSignal">;
