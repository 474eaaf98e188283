// Asking the server. A key, where one is needed, is asked for once and kept as long as the tab.

const keyName = "hilo-key";

export class Refusal extends Error {
  constructor(status, sentence) {
    super(sentence);
    this.status = status;
  }
}

document.body.insertAdjacentHTML("beforeend", `
  <dialog id="key-dialog" aria-labelledby="key-title">
    <form method="dialog">
      <h2 id="key-title">This server asks for a key</h2>
      <p class="wrong" hidden>The key that was given is not known here.</p>
      <p><label for="key">API key</label>
        <input id="key" type="password" autocomplete="off" required></p>
      <p class="hint">It stays in this tab and is forgotten with it.</p>
      <div class="actions">
        <button type="button" class="plain">Not now</button>
        <button type="submit">Use it</button>
      </div>
    </form>
  </dialog>`);
const dialog = document.querySelector("#key-dialog");
dialog.querySelector(".plain").onclick = () => dialog.close();
let keyGiven = null; // a promise while the dialog is open
let closedWithoutKey = false;

function askForKey() {
  keyGiven ??= new Promise((resolve) => {
    const field = dialog.querySelector("input");
    dialog.querySelector("form").onsubmit = (event) => {
      event.preventDefault();
      if (!field.value) return;
      sessionStorage.setItem(keyName, field.value);
      dialog.close();
    };
    dialog.onclose = () => {
      field.value = "";
      keyGiven = null;
      resolve();
    };
    dialog.querySelector(".wrong").hidden = sessionStorage.getItem(keyName) === null;
    dialog.showModal();
  });
  return keyGiven;
}

function fetchWithKey(path, { method = "GET", headers = {}, body, signal }) {
  const key = sessionStorage.getItem(keyName);
  const all = { ...headers };
  if (key) all["Authorization"] = `Bearer ${key}`;
  if (body !== undefined) all["Content-Type"] ??= "application/json";
  return fetch(path, { method, headers: all, body, signal, cache: "no-cache" });
}

// The response, whatever it says; `body` is text. Who closes the dialog without a key is asked
// again only by what he does himself (`byHand`), not by what the page does every second.
export async function send(path, { byHand = true, ...request } = {}) {
  const response = await fetchWithKey(path, request);
  if (response.status !== 401 || (closedWithoutKey && !byHand)) return response;
  const before = sessionStorage.getItem(keyName);
  await askForKey();
  closedWithoutKey = sessionStorage.getItem(keyName) === before;
  return closedWithoutKey ? response : fetchWithKey(path, { ...request, signal: undefined });
}

// What a response with JSON says; a Refusal for every other.
export async function ask(path, request) {
  const response = await send(path, request);
  const text = await response.text();
  if (response.ok) return { headers: response.headers, json: JSON.parse(text) };
  throw new Refusal(response.status, sentenceOf(text, response));
}

// OpenAI's envelope, or TEI's.
function sentenceOf(text, response) {
  try {
    const { error, message } = JSON.parse(text);
    return error?.message ?? (typeof error === "string" ? error : message) ?? text;
  } catch {
    return `The server answered ${response.status} ${response.statusText}.`;
  }
}
