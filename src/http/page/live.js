// The upper part of the live page: asks /status once a second and shows what it says.

import {
  History, clientFigures, count, duration, laneFigures, mebibytes, percent, rate,
} from "./figures.js";
import { drawCurve } from "./chart.js";
import { Refusal, ask } from "./server.js";
import { setKind } from "./try.js";

const betweenLooks = 1000;
const patience = 5000;
const span = 5; // seconds that the figures are about
const reportVersion = 1;

const history = new History();
const find = (selector, within = document) => within.querySelector(selector);

for (const lane of document.querySelectorAll("[data-lane]"))
  lane.append(find("#lane").content.cloneNode(true));

// What a screen reader tells when it changes shall change only when there is something to tell.
function show(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

function showFigure(place, name, text, unit = "") {
  const element = find(`[data-figure="${name}"]`, place);
  show(element, text);
  if (unit) element.append(Object.assign(document.createElement("small"), { textContent: unit }));
}

function showState(state, sentence) {
  const element = find("#state");
  element.dataset.state = state;
  document.body.dataset.state = state;
  show(element, sentence);
}

const sentences = {
  ready: () => "Ready",
  draining: () => "Shutting down",
  absent: (status) => status.absence,
};

function showModel({ model, engine }) {
  if (!model) return;
  const facts = [
    engine?.backend ?? [model.backend, model.precision].join(" "),
    model.cross_encoder ? "scores pairs" : `${count(model.dims)} dimensions`,
    `up to ${count(model.tokens_max)} tokens`,
  ];
  if (engine) {
    facts.push(`up ${duration(engine.uptime_ns).join(" ")}`);
    facts.push(`${mebibytes(engine.memory.resident_bytes)} of memory`, `hilo ${engine.hilo}`);
  }
  show(find("#model-name"), model.name);
  show(find("#model-facts"), facts.join(" · "));
  document.title = `${model.name} · hilo`;
  setKind(model.cross_encoder ? "scores" : "vectors");
}

function showServer({ connections, requests, refused, texts_held: held }) {
  const figures = { connections, requests, refused, "held-high": held.high, "held-low": held.low };
  for (const [name, value] of Object.entries(figures))
    showFigure(find("#server"), name, count(value));
}

function showLane(place, name) {
  const newest = history.newest;
  const lane = newest.lanes[name];
  const figures = laneFigures(history.before(span), newest, name);
  showFigure(place, "p50", ...duration(figures.p50));
  showFigure(place, "p99", ...duration(figures.p99));
  showFigure(place, "texts", rate(figures.textsPerSecond));
  showFigure(place, "waiting", count(lane.waiting));
  showFigure(place, "oldest", duration(lane.oldest_ns || null).join(" ").trim());
  showFigure(place, "tokens", rate(figures.tokensPerSecond));
  showFigure(place, "share", percent(figures.share));
  showFigure(place, "refused", count(lane.completed.refused));
  showCurves(place, name);
  return figures.share;
}

function showCurves(place, name) {
  const figures = history.series((older, newer) => laneFigures(older, newer, name));
  const peaks = { latency: (peak) => duration(peak).join(" "), texts: rate };
  for (const [curve, field] of [["latency", "p99"], ["texts", "textsPerSecond"]]) {
    const values = figures.map((each) => each[field]);
    const peak = Math.max(0, ...values);
    const told = peak > 0 ? `up to ${peaks[curve](peak)}` : "";
    drawCurve(find(`[data-curve="${curve}"]`, place), values);
    show(find(`[data-peak="${curve}"]`, place), told);
  }
}

function showShares(high, low) {
  const [width, idle] = [(share) => Math.round(share * 1000), Math.max(0, 1 - high - low)];
  const bar = find("#share");
  find(".high", bar).setAttribute("width", width(high));
  find(".low", bar).setAttribute("x", width(high));
  find(".low", bar).setAttribute("width", width(low));
  for (const [name, share] of Object.entries({ high, low, idle }))
    show(find(`.${name} b`, find("#share-text")), percent(share));
}

// Rows stay where they are and change what they say, so that nobody who reads them is disturbed.
function showClients() {
  const body = find("#clients");
  const clients = clientFigures(history.before(span), history.newest);
  while (body.rows.length > clients.length) body.deleteRow(-1);
  while (body.rows.length < clients.length)
    body.append(find("#client").content.cloneNode(true));
  clients.forEach((client, index) => {
    const [program, lane, ...numbers] = body.rows[index].cells;
    show(program, client.program);
    program.title = `process ${client.pid}`;
    show(lane, client.lane.toUpperCase());
    lane.className = client.lane;
    const told = [count(client.open), rate(client.textsPerSecond), count(client.texts)];
    numbers.forEach((cell, column) => show(cell, told[column]));
  });
}

function showNothing() {
  for (const place of document.querySelectorAll("[data-lane]")) {
    for (const figure of place.querySelectorAll("[data-figure]")) show(figure, "–");
    for (const curve of place.querySelectorAll("[data-curve]")) drawCurve(curve, []);
    for (const peak of place.querySelectorAll("[data-peak]")) show(peak, "");
  }
  for (const bar of document.querySelectorAll("#share .high, #share .low"))
    bar.setAttribute("width", 0);
  for (const share of document.querySelectorAll("#share-text b")) show(share, "–");
  find("#clients").replaceChildren();
}

// Why there are no figures of an engine that is there; empty if there are.
function objection({ engine, state }) {
  if (state === "absent") return "";
  if (!engine) return "Its figures can only be read by a hilo-http of the user who started it.";
  return engine.version === reportVersion ? "" : "Its figures are of a version unknown to this page.";
}

function showStatus(status) {
  const { engine, state } = status;
  showState(state, sentences[state]?.(status) ?? state);
  showModel(status);
  showServer(status.http);
  const why = objection(status);
  show(find("#note"), why);
  if (!engine || why) {
    history.clear();
    showNothing();
    return;
  }
  history.add(engine);
  if (history.reports.length < 2) return;
  const [high, low] = ["high", "low"].map((name) => showLane(find(`[data-lane="${name}"]`), name));
  showShares(high, low);
  showClients();
}

async function look() {
  try {
    const signal = AbortSignal.timeout(patience);
    showStatus((await ask("status", { byHand: false, signal })).json);
  } catch (error) {
    history.clear();
    showNothing();
    const asksForKey = error instanceof Refusal && error.status === 401;
    if (asksForKey) showState("key", "A key is needed");
    else showState("gone", error instanceof Refusal ? error.message : "This server does not answer");
  }
}

// Nobody looks at a tab in the background, so it asks nothing.
async function lookAgain() {
  const begun = performance.now();
  if (!document.hidden) await look();
  setTimeout(lookAgain, Math.max(100, betweenLooks - (performance.now() - begun)));
}

lookAgain();
