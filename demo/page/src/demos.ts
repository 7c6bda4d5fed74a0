import type { Preparation, PresetName } from "relprop";
import digitsNetwork from "../../digits.onnx?url";
import digitsSidecar from "../../digits.relprop.json";
import airplane from "../../photos/airplane.jpg?url";
import automobile from "../../photos/automobile.jpg?url";
import frog from "../../photos/frog.jpg?url";
import horse from "../../photos/horse.jpg?url";
import photosNetwork from "../../photos/photos.onnx?url";
import photosSidecar from "../../photos/photos.relprop.json";
import ship from "../../photos/ship.jpg?url";
import truck from "../../photos/truck.jpg?url";

/** A network to try without a file of one's own. */
export interface Demo {
  readonly label: string;
  readonly file: string;
  readonly url: string;
  readonly classes: readonly string[];
  readonly preprocess: PresetName | Preparation;
  /** Pictures for it; without, one draws. */
  readonly pictures?: Readonly<Record<string, string>>;
}

export const demos = {
  digits: {
    label: "Draw a digit",
    file: "digits.onnx",
    url: digitsNetwork,
    classes: digitsSidecar.classes,
    preprocess: "unit",
  },
  photos: {
    label: "Look at a picture",
    file: "photos.onnx",
    url: photosNetwork,
    classes: photosSidecar.classes,
    preprocess: photosSidecar.preprocess as Preparation,
    pictures: { ship, automobile, airplane, truck, horse, frog },
  },
} satisfies Record<string, Demo>;

export type DemoName = keyof typeof demos;

/** A file of the page as if it had been chosen. */
export async function fetched(url: string, name: string): Promise<File> {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url}: ${response.status} ${response.statusText}`);
  const blob = await response.blob();
  return new File([blob], name, { type: blob.type });
}
