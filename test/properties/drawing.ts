/*
 * PROPERTY_RUNS draws more (and PROPERTY_SEED others) than a test run has time for.
 */

function wholeNumber(name: string, otherwise: number, least: number): number {
  const value = Number(process.env[name] ?? otherwise);
  if (!Number.isInteger(value) || value < least)
    throw new Error(`${name}: expected a whole number from ${least} on, got '${process.env[name]}'`);
  return value;
}
export const RUNS = wholeNumber("PROPERTY_RUNS", 60, 1);
export const SEED = wholeNumber("PROPERTY_SEED", 1, 0);

/** Others for each property. About an eighth of the networks is left out, at most 0.3 to one, as ill-conditioned. */
export const drawing = (property: number) => ({ seed: 10 * SEED + property, numRuns: RUNS, maxSkipsPerRun: 0.3 });
