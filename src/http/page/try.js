// The lower part of the live page: embeds a text, compares two, and shows their tokens.

import { drawVector } from "./chart.js";
import { count, duration } from "./figures.js";
import { Refusal, ask } from "./server.js";

const find = (selector) => document.querySelector(selector);
const form = find("#try-form");
const [first, second] = [find("#text-a"), find("#text-b")];
let drawn = []; // to be drawn again when light and dark change
let busy = false;

function element(name, className, text = "") {
  return Object.assign(document.createElement(name), { className, textContent: text });
}

export function cosine(a, b) {
  let [dot, squaresA, squaresB] = [0, 0, 0];
  a.forEach((value, index) => {
    dot += value * b[index];
    squaresA += value * value;
    squaresB += b[index] * b[index];
  });
  const lengths = Math.sqrt(squaresA * squaresB);
  return lengths > 0 ? dot / lengths : 0;
}

async function embed(texts, lane) {
  const begun = performance.now();
  const body = JSON.stringify({ input: texts });
  const { headers, json } = await ask(`${lane}/v1/embeddings`, { method: "POST", body });
  return {
    vectors: json.data.map((row) => row.embedding),
    tokens: json.usage.prompt_tokens,
    lane: headers.get("X-Hilo-Lane"),
    took: (performance.now() - begun) * 1e6,
  };
}

// The tokens of a text, or a sentence that says why there are none.
async function tokenize(text) {
  try {
    const body = JSON.stringify({ inputs: text, add_special_tokens: true });
    return (await ask("tokenize", { method: "POST", body })).json[0];
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    if (error.status === 404) return "This server does not tell tokens: it has no /tokenize.";
    return `No tokens: ${error.message}`;
  }
}

function tokenList(tokens) {
  if (typeof tokens === "string") return element("p", "hint", tokens);
  const list = element("ol", "tokens");
  for (const token of tokens) {
    const item = element("li", token.special ? "special" : "");
    item.append(element("span", "text", token.text), element("span", "id", token.id));
    list.append(item);
  }
  return list;
}

function showText(name, text, vector, tokens) {
  const place = element("section", "text-shown");
  const strip = element("canvas", "vector");
  strip.setAttribute("role", "img");
  strip.setAttribute("aria-label", `The ${vector.length} numbers of its vector as colours`);
  const howMany = typeof tokens === "string" ? "" : ` · ${count(tokens.length)} tokens`;
  place.append(
    element("h3", "", `${name}${howMany}`),
    tokenList(tokens),
    strip,
    element("p", "numbers", `${vector.slice(0, 5).map((value) => value.toFixed(4)).join("  ")} …`),
  );
  drawn.push([strip, vector]);
  return place;
}

function showCosine(value) {
  find("#cosine").hidden = value === null;
  if (value === null) return;
  find("#cosine-value").textContent = value.toFixed(3).replace("-", "−");
  const [middle, end] = [500, Math.round((Math.max(-1, Math.min(1, value)) + 1) * 500)];
  const bar = find("#cosine-scale .value");
  bar.setAttribute("x", Math.min(middle, end));
  bar.setAttribute("width", Math.abs(end - middle));
}

function showResult(texts, embedded, tokens) {
  const { vectors, lane, took } = embedded;
  const two = texts.length === 2;
  const value = two ? cosine(...vectors) : null;
  drawn = [];
  const shown = texts.map((text, index) =>
    showText(two ? ["First text", "Second text"][index] : "Text", text, vectors[index],
      tokens[index]));
  find("#texts-shown").replaceChildren(...shown);
  showCosine(value);
  find("#result").hidden = false;
  drawn.forEach(([canvas, vector]) => drawVector(canvas, vector));
  const what = two ? `Cosine ${value.toFixed(3).replace("-", "−")}.` : "Embedded.";
  find("#try-summary").textContent =
    `${what} ${count(embedded.tokens)} tokens in ${duration(took).join(" ")}, ` +
    `lane ${lane.toUpperCase()}.`;
}

async function compare() {
  if (busy) return;
  busy = true;
  const texts = second.value === "" ? [first.value] : [first.value, second.value];
  try {
    const embedded = await embed(texts, new FormData(form).get("lane"));
    showResult(texts, embedded, await Promise.all(texts.map(tokenize)));
  } catch (error) {
    find("#result").hidden = true;
    find("#try-summary").textContent =
      error instanceof Refusal ? error.message : "This server does not answer.";
  } finally {
    busy = false;
  }
}

form.onsubmit = (event) => {
  event.preventDefault();
  compare();
};
// Enter is a new line in a text; with Ctrl it is the button.
form.onkeydown = (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit();
};
second.oninput = () => {
  form.querySelector("button").textContent = second.value === "" ? "Embed" : "Compare";
};
matchMedia("(prefers-color-scheme: dark)").onchange = () =>
  drawn.forEach(([canvas, vector]) => drawVector(canvas, vector));
