// The lower part of the live page: embeds a text, compares two, and shows their tokens. With a
// cross-encoder it scores the two instead.

import { drawVector } from "./chart.js";
import { count, duration } from "./figures.js";
import { Refusal, ask } from "./server.js";

const find = (selector) => document.querySelector(selector);
const form = find("#try-form");
const [first, second] = [find("#text-a"), find("#text-b")];
let drawn = []; // to be drawn again when light and dark change
let busy = false;

const kinds = {
  vectors: {
    labels: ["Text", "Compare with"],
    names: ["First text", "Second text"],
    measure: "cosine",
    ends: ["−1 opposite", "0", "1 the same"],
    least: -1,
    compute: embed,
  },
  scores: {
    labels: ["Query", "Text"],
    names: ["Query", "Text"],
    measure: "score",
    ends: ["0 no answer", "", "1 an answer"],
    least: 0,
    compute: score,
  },
};
let kind = kinds.vectors;

// What the model makes of texts: "vectors" or "scores".
export function setKind(name) {
  if (kind === kinds[name]) return;
  kind = kinds[name];
  find('label[for="text-a"]').textContent = kind.labels[0];
  find('label[for="text-b"] span').textContent = kind.labels[1];
  find('label[for="text-b"] .optional').hidden = kind === kinds.scores;
  second.required = kind === kinds.scores;
  find("#measure-name").textContent = kind.measure;
  find("#measure .ends").replaceChildren(...kind.ends.map((text) => element("span", "", text)));
  nameButton();
}

function nameButton() {
  const single = second.value === "" && kind === kinds.vectors;
  form.querySelector("button").textContent = single ? "Embed" : "Compare";
}

function element(name, className, text = "") {
  return Object.assign(document.createElement(name), { className, textContent: text });
}

// ---- Asking

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

async function post(path, value) {
  return ask(path, { method: "POST", body: JSON.stringify(value) });
}

async function embed(texts, lane) {
  const { headers, json } = await post(`${lane}/v1/embeddings`, { input: texts });
  const vectors = json.data.map((row) => row.embedding);
  const measured = texts.length === 2 ? cosine(...vectors) : null;
  return { vectors, measured, tokens: json.usage.prompt_tokens, lane: headers.get("X-Hilo-Lane") };
}

async function score([query, text], lane) {
  const { headers, json } = await post(`${lane}/v1/rerank`, { query, documents: [text] });
  const measured = json.results[0].relevance_score;
  return { vectors: [], measured, tokens: json.usage.prompt_tokens, lane: headers.get("X-Hilo-Lane") };
}

// The tokens of a text, or a sentence that says why there are none.
async function tokenize(text) {
  try {
    return (await post("tokenize", { inputs: text, add_special_tokens: true })).json[0];
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return `No tokens: ${error.message}`;
  }
}

// ---- Showing

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

function vectorStrip(vector) {
  const strip = element("canvas", "vector");
  strip.setAttribute("role", "img");
  strip.setAttribute("aria-label", `The ${vector.length} numbers of its vector as colours`);
  drawn.push([strip, vector]);
  const numbers = vector.slice(0, 5).map((value) => value.toFixed(4)).join("  ");
  return [strip, element("p", "numbers", `${numbers} …`)];
}

function showText(name, tokens, vector) {
  const place = element("section", "text-shown");
  const howMany = typeof tokens === "string" ? "" : ` · ${count(tokens.length)} tokens`;
  place.append(element("h3", "", name + howMany), tokenList(tokens));
  if (vector) place.append(...vectorStrip(vector));
  return place;
}

const readable = (value) => value.toFixed(3).replace("-", "−");

function showMeasure(value) {
  find("#measure").hidden = value === null;
  if (value === null) return;
  find("#measure-value").textContent = readable(value);
  const place = (at) => Math.round((1000 * (at - kind.least)) / (1 - kind.least));
  const [nothing, end] = [place(0), place(Math.max(kind.least, Math.min(1, value)))];
  const bar = find("#measure-scale .value");
  bar.setAttribute("x", Math.min(nothing, end));
  bar.setAttribute("width", Math.abs(end - nothing));
}

function showResult(texts, computed, took, tokens) {
  const { vectors, measured, lane } = computed;
  drawn = [];
  const names = texts.length === 2 ? kind.names : ["Text"];
  const shown = texts.map((_, index) => showText(names[index], tokens[index], vectors[index]));
  find("#texts-shown").replaceChildren(...shown);
  showMeasure(measured);
  find("#result").hidden = false;
  drawn.forEach(([canvas, vector]) => drawVector(canvas, vector));
  const what = measured === null ? "Embedded" : `The ${kind.measure} is ${readable(measured)}`;
  find("#try-summary").textContent =
    `${what}: ${count(computed.tokens)} tokens in ${duration(took).join(" ")}, ` +
    `lane ${lane.toUpperCase()}.`;
}

async function compare() {
  if (busy) return;
  busy = true;
  const texts = second.value === "" ? [first.value] : [first.value, second.value];
  try {
    const begun = performance.now();
    const computed = await kind.compute(texts, new FormData(form).get("lane"));
    const took = (performance.now() - begun) * 1e6;
    showResult(texts, computed, took, await Promise.all(texts.map(tokenize)));
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
second.oninput = nameButton;
matchMedia("(prefers-color-scheme: dark)").onchange = () =>
  drawn.forEach(([canvas, vector]) => drawVector(canvas, vector));
