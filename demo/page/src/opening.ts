import { clearError, showError } from "./messages.ts";

interface Opening {
  readonly name: string;
  readonly work: () => Promise<void>;
}

/** Opens files one after the other, up to the first that fails; then goes on. @param then explains what there is */
export function opener(then: () => void): (list: readonly Opening[]) => void {
  let opening = Promise.resolve();
  return (list) => {
    opening = opening.then(async () => {
      clearError("file");
      for (const { name, work } of list) {
        try {
          await work();
        } catch (error) {
          showError("file", `'${name}' cannot be used`, error);
          break;
        }
      }
      then();
    });
  };
}
