/*
 * A process that judges files: told one after the other, it answers each with what became of it, or with what must not
 * be, and with the most memory that it has had.
 */
import { judge } from "./judge.mjs";

process.on("message", async ({ bytes, limits }) => {
  const answer = await judge(bytes, limits).then(
    (outcome) => ({ outcome }),
    (error) => ({ fault: `${error.name}: ${error.message}`, stack: error.stack }),
  );
  process.send({ ...answer, megabytes: process.resourceUsage().maxRSS / 1024 });
});
