import type { EncodedText } from "../../picture/text/index.ts";

/** A text that a network has read, and by which input. */
export interface TextInput extends EncodedText {
  readonly port: string;
}
