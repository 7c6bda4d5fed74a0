using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (services = [(name = "main", worker = .main)]);

const main :Workerd.Worker = (
  compatibilityDate = "2026-01-01",
  modules = [
    (name = "worker.js", esModule = embed "worker.js"),
    (name = "core.wasm", wasm = embed "core.wasm"),
    (name = "jpeg-turbo.wasm", wasm = embed "jpeg-turbo.wasm"),
    (name = "webp.wasm", wasm = embed "webp.wasm"),
    (name = "core-relaxed.wasm", wasm = embed "core-relaxed.wasm"),
  ],
);
