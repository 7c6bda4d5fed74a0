import { expect } from "vitest";
import { LrpError } from "../../src/index.ts";

/** The message of the LrpError "usage" that this throws, now or later. */
export async function refusal(run: () => unknown): Promise<string> {
  try {
    await run();
  } catch (error) {
    expect(error).toBeInstanceOf(LrpError);
    expect((error as LrpError).code).toBe("usage");
    return (error as LrpError).message;
  }
  return "no error";
}
