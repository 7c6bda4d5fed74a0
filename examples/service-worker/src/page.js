const [input, image, alert] = ["input", "img", "[role=alert]"].map((name) => document.querySelector(name));

await navigator.serviceWorker.register("service-worker.js", { type: "module" });
await navigator.serviceWorker.ready;
if (!navigator.serviceWorker.controller)
  await new Promise((controls) =>
    navigator.serviceWorker.addEventListener("controllerchange", controls, { once: true }),
  );
input.disabled = false;

input.addEventListener("change", async () => {
  const [file] = input.files;
  const response = await fetch("explain", { method: "POST", body: file });
  alert.textContent = response.ok ? "" : await response.text();
  image.alt = response.ok ? `What the network looked at in ${file.name}` : "";
  image.src = response.ok ? URL.createObjectURL(await response.blob()) : "data:,";
});
