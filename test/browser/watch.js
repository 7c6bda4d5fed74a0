/*
 * Runs before everything else on the pages that tests serve: keeps what goes wrong there, and what is saved, for those
 * browsers that do not tell it to whoever drives them.
 */
globalThis.watched = { problems: [], saved: undefined };
const { problems } = globalThis.watched;

for (const kind of ["error", "warn"]) {
  const say = console[kind];
  console[kind] = (...all) => {
    problems.push(`console: ${all.join(" ")}`);
    say(...all);
  };
}
const report = (event) => problems.push(event.message ?? `not loaded: ${event.target.src ?? event.target.href}`);
addEventListener("error", report, true);
addEventListener("unhandledrejection", ({ reason }) => problems.push(`not caught: ${reason}`));
document.addEventListener("securitypolicyviolation", (event) =>
  problems.push(`policy: ${event.violatedDirective} ${event.blockedURI}`),
);

const create = URL.createObjectURL;
URL.createObjectURL = (blob) => {
  globalThis.watched.saved = blob;
  return create.call(URL, blob);
};

/** Waits until something holds. */
globalThis.until = async (holds) => {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 30));
};
