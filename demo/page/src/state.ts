import type { DemoName } from "./demos.ts";
import type { Chosen } from "./prediction.ts";
import type { Answer, Opened } from "./protocol.ts";
import type { Stroke } from "./strokes.ts";

/** A network, and where it came from: to open it again. */
export interface Source {
  readonly file: Blob;
  readonly name: string;
  readonly classes?: readonly string[];
  /** The page's own, of which it is known how pictures are prepared. */
  readonly demo?: DemoName;
}

/** What the page is about. */
export interface State {
  readonly network?: Opened;
  readonly source?: Source;
  readonly strokes: readonly Stroke[];
  /** The photo, if it is not the drawing that is explained. */
  readonly photo?: File;
  readonly target: Chosen;
  /** The node whose channels are shown. */
  readonly layer?: string;
  readonly answer?: Answer;
}
