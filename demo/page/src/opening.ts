import { Cancelled } from "./engine.ts";
import { clearError, showError } from "./messages.ts";

interface Opening {
  readonly name: string;
  readonly work: () => Promise<void>;
}

/**
 * Opens files one after the other, up to the first that fails or is cancelled; then goes on.
 *
 * @param usually explains what there is
 */
export function opener(usually: () => void) {
  let opening = Promise.resolve();
  return (list: readonly Opening[], then = usually): void => {
    opening = opening.then(async () => {
      clearError("file");
      for (const { name, work } of list) {
        try {
          await work();
        } catch (error) {
          if (!(error instanceof Cancelled)) showError("file", `'${name}' cannot be used`, error);
          break;
        }
      }
      then();
    });
  };
}
