import { load } from "relprop";
import network from "relprop/demo/digits.onnx";
import { explainImage } from "relprop/image";

/** Chrome ends this worker when it is idle and starts it again, so the model is loaded with the first picture. */
let loading;
const bytesOf = (url) => fetch(url).then((response) => response.arrayBuffer());
const model = () => (loading ??= bytesOf(network).then((bytes) => load(bytes)));

async function explained(url) {
  const { explanation, png } = await explainImage(await model(), new Uint8Array(await bytesOf(url)), {
    preset: "unit",
  });
  return { text: `class ${explanation.targets[0][0].index}`, picture: `data:image/png;base64,${png.toBase64()}` };
}

chrome.runtime.onInstalled.addListener(() =>
  chrome.contextMenus.create({ id: "explain", title: "What did the network look at?", contexts: ["image"] }),
);
chrome.contextMenus.onClicked.addListener(({ srcUrl }) =>
  chrome.tabs.create({ url: `result.html?${new URLSearchParams({ srcUrl })}` }),
);
chrome.runtime.onMessage.addListener(({ srcUrl }, _sender, answer) => {
  explained(srcUrl).then(answer, ({ message }) => answer({ text: message }));
  return true; // the answer comes later
});
