import { byId, el } from "./dom.ts";
import type { Answer } from "./protocol.ts";

/** What relprop says of an explanation; a warning where it cannot be missed. */
export function showNotes({ notes, map: { exploded } }: Answer): void {
  byId("notes").replaceChildren(...notes.map((note) => el("li", {}, note)));
  byId("notes-field").hidden = notes.length === 0;
  byId("exploded").textContent = notes.filter((note) => note.startsWith("Warning: ")).join(" ");
  byId("exploded").hidden = !exploded;
  byId("board").classList.toggle("exploded", exploded);
}
