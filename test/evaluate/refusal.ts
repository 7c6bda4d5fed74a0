import { expect } from "vitest";
import { LrpError } from "../../src/entries/index.ts";

/** The message of the LrpError "usage" that this throws, now or later; of another code after that code. */
export async function refusal(run: () => unknown): Promise<string> {
  try {
    await run();
  } catch (error) {
    expect(error).toBeInstanceOf(LrpError);
    const { code, message } = error as LrpError;
    return code === "usage" ? message : `${code}: ${message}`;
  }
  return "no error";
}
