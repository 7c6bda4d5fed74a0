import { useState } from "react";
import { createRoot } from "react-dom/client";
import network from "relprop/demo/digits.onnx?url";
import { createPool } from "relprop/pool";
import { explained } from "./explained.js";

const bytes = await fetch(network).then((response) => response.arrayBuffer());
const pool = await createPool(bytes, { size: navigator.hardwareConcurrency });

function App() {
  const [results, setResults] = useState([]);
  const [error, setError] = useState();

  async function explain(files) {
    setResults([]);
    setError();
    try {
      for await (const result of explained(pool, files)) setResults((before) => [...before, result]);
    } catch (error) {
      setError(error.message);
    }
  }

  return (
    <>
      <label>
        Pictures of digits: <input type="file" accept="image/*" multiple onChange={(e) => explain([...e.target.files])} />
      </label>
      {results.map(({ text, url }) => (
        <figure key={url}>
          <img src={url} alt={`Heatmap of ${text}`} />
          <figcaption>{text}</figcaption>
        </figure>
      ))}
      <p role="alert">{error}</p>
    </>
  );
}

createRoot(document.getElementById("app")).render(<App />);
