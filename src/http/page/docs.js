// Draws openapi.json, with a form to try each route. It knows what that document uses of OpenAPI:
// references into components, one JSON body with named examples, parameters of path, query, header.

import { ask, send } from "./server.js";

const find = (selector, within = document) => within.querySelector(selector);
const methods = ["get", "post", "put", "delete"];
const answerMax = 20_000; // characters shown
let api;

function element(name, className = "", ...children) {
  const made = document.createElement(name);
  if (className) made.className = className;
  made.append(...children);
  return made;
}

function resolve(value) {
  if (!value?.$ref) return value;
  return value.$ref.slice(2).split("/").reduce((place, step) => place[step], api);
}

// ---- schemas

function typeOf(schema) {
  const resolved = resolve(schema);
  if (!resolved) return "";
  const choices = resolved.oneOf ?? resolved.anyOf;
  if (choices) return choices.map(typeOf).join(" or ");
  if (resolved.enum) return resolved.enum.map((value) => JSON.stringify(value)).join(", ");
  if (resolved.const !== undefined) return JSON.stringify(resolved.const);
  if (resolved.type === "array") return `list of ${typeOf(resolved.items) || "anything"}`;
  return [resolved.type].flat().join(" or ");
}

// The properties of an object, and of the objects in it, as name and schema.
function* fieldsOf(schema, before = "") {
  const resolved = resolve(schema) ?? {};
  for (const part of resolved.oneOf ?? resolved.anyOf ?? resolved.allOf ?? [])
    yield* fieldsOf(part, before);
  if (resolved.type === "array") yield* fieldsOf(resolved.items, `${before}[]`);
  for (const [name, property] of Object.entries(resolved.properties ?? {})) {
    const path = before ? `${before}.${name}` : name;
    const required = resolved.required?.includes(name) ?? false;
    yield { name: path, schema: property, required };
    yield* fieldsOf(property, path);
  }
}

function table(caption, rows) {
  const made = element("table", "fields-table", element("caption", "", caption));
  const body = element("tbody");
  for (const { name, type, text, required } of rows) {
    const heading = element("th", "", element("code", required ? "required" : "", name));
    heading.scope = "row";
    if (required) heading.title = "required";
    const about = element("td", "", element("span", "type", type));
    if (text) about.append(element("div", "", text));
    body.append(element("tr", "", heading, about));
  }
  made.append(body);
  return made;
}

const rowsOf = (schema) =>
  [...fieldsOf(schema)].map(({ name, schema: of, required }) => ({
    name, required, type: typeOf(of), text: resolve(of).description ?? of.description,
  }));

// ---- one operation

const parametersOf = (item, operation) =>
  [...(item.parameters ?? []), ...(operation.parameters ?? [])].map(resolve);
const bodyOf = (operation) => resolve(operation.requestBody)?.content["application/json"];

function tablesOf(item, operation) {
  const tables = [];
  const parameters = parametersOf(item, operation).map(({ name, in: place, ...rest }) => ({
    name, type: `${place}: ${typeOf(rest.schema)}`, text: rest.description, required: rest.required,
  }));
  if (parameters.length) tables.push(table("Parameters", parameters));
  const body = bodyOf(operation);
  if (body) tables.push(table("Body", rowsOf(body.schema)));
  const responses = Object.entries(operation.responses).map(([status, response]) => {
    const { description, content = {} } = resolve(response);
    return { name: status, type: Object.keys(content).join(", "), text: description };
  });
  tables.push(table("Answers", responses));
  const told = resolve(operation.responses["200"])?.content?.["application/json"]?.schema;
  const rows = told ? rowsOf(told) : [];
  if (rows.length) tables.push(table("Fields of the answer", rows));
  return tables;
}

let fields = 0; // for ids

function labelled(text, field, className = "") {
  field.id = `field-${++fields}`;
  const label = element("label", "", text);
  label.htmlFor = field.id;
  return element("p", className, label, field);
}

function choice(names) {
  const field = element("select");
  for (const name of names) field.append(new Option(name));
  return field;
}

function addFields(form, item, operation) {
  const place = find(".fields", form);
  for (const parameter of parametersOf(item, operation)) {
    const options = resolve(parameter.schema)?.enum;
    const field = options ? choice(["", ...options]) : element("input");
    field.required = parameter.required ?? false;
    if (!options) field.value = parameter.example ?? "";
    Object.assign(field.dataset, { in: parameter.in, name: parameter.name });
    place.append(labelled(`${parameter.name}`, field));
  }
  const body = bodyOf(operation);
  if (!body) return;
  const examples = Object.entries(body.examples ?? {}).map(([name, example]) => [
    example.summary ?? name, JSON.stringify(resolve(example).value, null, 2),
  ]);
  const text = element("textarea");
  text.spellcheck = false;
  text.dataset.in = "body";
  text.value = examples[0]?.[1] ?? "{}";
  if (examples.length > 1) {
    const which = choice(examples.map(([name]) => name));
    which.onchange = () => (text.value = examples[which.selectedIndex][1]);
    place.append(labelled("Example", which));
  }
  place.append(labelled("Body", text, "wide"));
}

function requestOf(form, method, path) {
  const request = { method: method.toUpperCase(), headers: {} };
  const query = new URLSearchParams();
  for (const field of form.querySelectorAll("[data-in]")) {
    const { in: place, name } = field.dataset;
    if (place === "body") request.body = field.value;
    else if (place === "path") path = path.replace(`{${name}}`, encodeURI(field.value));
    else if (place === "header" && field.value) request.headers[name] = field.value;
    else if (place === "query" && field.value) query.set(name, field.value);
  }
  const search = query.size ? `?${query}` : "";
  return [path.replace(/^\//, "") + search || "./", request];
}

function readable(text, type) {
  let shown = text;
  if (type?.includes("json"))
    try {
      // Numbers of a vector go on one line.
      shown = JSON.stringify(JSON.parse(text), null, 2)
        .replace(/\[\s+(-?[\d.e-]+,?\s+)+\]/g, (list) => list.replace(/\s+/g, " "));
    } catch { /* It is shown as it came. */ }
  return shown.length > answerMax ? `${shown.slice(0, answerMax)}\n… and so on` : shown;
}

async function attempt(form, method, path) {
  const [outcome, answer] = [find(".outcome", form), find(".answer", form)];
  const begun = performance.now();
  try {
    const [url, request] = requestOf(form, method, path);
    const response = await send(url, request);
    const text = await response.text();
    const took = Math.round(performance.now() - begun);
    const lane = response.headers.get("X-Hilo-Lane");
    outcome.textContent =
      `${response.status} in ${took} ms${lane ? `, lane ${lane.toUpperCase()}` : ""}`;
    answer.textContent = readable(text, response.headers.get("Content-Type"));
    answer.hidden = text === "";
  } catch {
    outcome.textContent = "This server does not answer.";
    answer.hidden = true;
  }
}

function drawOperation(path, item, method) {
  const operation = item[method];
  const made = find("#operation").content.firstElementChild.cloneNode(true);
  made.id = operation.operationId;
  find(".method", made).textContent = method.toUpperCase();
  find(".method", made).classList.add(method);
  find(".path", made).textContent = path;
  find(".what", made).textContent = operation.summary;
  find(".description", made).textContent = operation.description ?? "";
  find(".description", made).hidden = !operation.description;
  find(".tables", made).append(...tablesOf(item, operation));
  const form = find("form", made);
  addFields(form, item, operation);
  form.onsubmit = (event) => {
    event.preventDefault();
    attempt(form, method, path);
  };
  return made;
}

// ---- the whole

function* operationsOf(tag) {
  for (const [path, item] of Object.entries(api.paths))
    for (const method of methods)
      if (item[method]?.tags.includes(tag)) yield [path, item, method];
}

function draw() {
  find("#title").textContent = `${api.info.title} ${api.info.version}`;
  find("#description").textContent = api.info.description;
  for (const { name, description } of api.tags) {
    const links = element("ul");
    const place = find("#operations");
    place.append(element("h2", "", name), element("p", "tag", description));
    for (const [path, item, method] of operationsOf(name)) {
      place.append(drawOperation(path, item, method));
      const link = element("a", "", path);
      link.href = `#${item[method].operationId}`;
      links.append(element("li", "", link));
    }
    find("#contents").append(element("h2", "", name), links);
  }
}

// A link to a route opens it.
function openTarget() {
  const target = document.getElementById(location.hash.slice(1));
  if (target?.matches("details")) {
    target.open = true;
    target.scrollIntoView();
  }
}

try {
  api = (await ask("openapi.json")).json;
  draw();
  openTarget();
  addEventListener("hashchange", openTarget);
} catch (error) {
  find("#problem").textContent = `The description of the routes cannot be read: ${error.message}`;
  find("#problem").hidden = false;
}
