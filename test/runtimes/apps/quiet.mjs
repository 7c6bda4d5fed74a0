// What an import may not do: each of these is gone before the first.
const fail = (name) =>
  function () {
    throw new Error(`importing relprop calls ${name}`);
  };
for (const name of ["compile", "instantiate", "validate", "Module", "Instance", "Memory"])
  WebAssembly[name] = fail(`WebAssembly.${name}`);
for (const name of ["fetch", "setTimeout", "setInterval", "queueMicrotask", "atob"]) globalThis[name] = fail(name);

for (const entry of [
  "relprop",
  "relprop/slim",
  "relprop/threads",
  "relprop/image",
  "relprop/plots",
  "relprop/text",
  "relprop/pool",
  "relprop/service",
  "relprop/queue",
])
  await import(entry);
