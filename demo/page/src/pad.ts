import { BRUSH, type Point, SIDE, type Stroke } from "./strokes.ts";

/** A canvas to draw on. `changed` is called with all strokes whenever they change by hand. */
export interface Pad {
  show(strokes: readonly Stroke[]): void;
}

export function pad(canvas: HTMLCanvasElement, changed: (strokes: readonly Stroke[]) => void): Pad {
  const context = canvas.getContext("2d")!;
  let strokes: readonly Stroke[] = [];
  let drawing: number | undefined;

  const place = ({ clientX, clientY }: PointerEvent): Point => {
    const { left, top, width, height } = canvas.getBoundingClientRect();
    return [((clientX - left) / width) * SIDE, ((clientY - top) / height) * SIDE];
  };
  const put = (next: readonly Stroke[]) => {
    strokes = next;
    draw(context, strokes);
    changed(strokes);
  };

  canvas.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || drawing !== undefined) return;
    drawing = event.pointerId;
    canvas.setPointerCapture(drawing);
    put([...strokes, [place(event)]]);
  });
  canvas.addEventListener("pointermove", (event) => {
    if (event.pointerId !== drawing) return;
    const between = event.getCoalescedEvents?.() ?? [];
    const points = (between.length > 0 ? between : [event]).map(place);
    put([...strokes.slice(0, -1), [...strokes.at(-1)!, ...points]]);
  });
  for (const end of ["pointerup", "pointercancel"] as const)
    canvas.addEventListener(end, (event) => {
      if (event.pointerId === drawing) drawing = undefined;
    });

  return {
    show(next) {
      strokes = next;
      draw(context, strokes);
    },
  };
}

/** White on black, as the network sees it. */
export function draw(context: CanvasRenderingContext2D, strokes: readonly Stroke[]): void {
  const { width, height } = context.canvas;
  context.resetTransform();
  context.fillStyle = "#000";
  context.fillRect(0, 0, width, height);
  context.scale(width / SIDE, height / SIDE);
  Object.assign(context, { strokeStyle: "#fff", lineWidth: 2 * BRUSH, lineCap: "round", lineJoin: "round" });
  for (const [start, ...rest] of strokes) {
    context.beginPath();
    context.moveTo(...start);
    for (const point of rest.length > 0 ? rest : [start]) context.lineTo(...point);
    context.stroke();
  }
}
