const srcUrl = new URLSearchParams(location.search).get("srcUrl");
const { text, picture } = await chrome.runtime.sendMessage({ srcUrl });
document.querySelector("[role=status]").textContent = text;
if (picture)
  Object.assign(document.querySelector("img"), { src: picture, alt: `The picture, and its relevance: ${text}` });
