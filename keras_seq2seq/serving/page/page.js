"use strict";
const $ = id => document.getElementById(id);
const DEBOUNCE = 200;

let models = [], limits = { max_texts: 1, max_text_length: 1000 };
// The translation of each source line, the index of the hypothesis shown for each, and the selected
// line.
let lines = [], chosen = [], current = 0;

const model = () => models.find(item => item.name === $("model").value) ?? models[0];

// === Requests ===

async function request(path, body, signal) {
  const token = sessionStorage.getItem("token");
  const headers = token ? { Authorization: "Bearer " + token } : {};
  const method = body ? "POST" : "GET";
  const response = await fetch(path, { method, headers, signal, body: body && JSON.stringify(body) });
  if (response.status === 401) $("token-form").hidden = false;
  if (!response.ok) {
    const error = new Error((await response.json().catch(() => ({}))).error ?? response.statusText);
    error.retryAfter = Number(response.headers.get("Retry-After"));
    throw error;
  }
  return response;
}

// Runs only the latest call of a function: a new call aborts the previous one, whose response is
// ignored. If the server asks for it, the call is repeated.
function newestOnly(work) {
  let controller;
  return async function run(...args) {
    controller?.abort();
    const own = controller = new AbortController();
    try {
      await work(own.signal, () => own === controller, ...args);
    } catch (error) {
      if (own !== controller || error.name === "AbortError") return;
      report(error.message, true);
      const retry = () => own === controller && run(...args);
      if (error.retryAfter) setTimeout(retry, 1000 * error.retryAfter);
    }
  };
}

function report(message, isError = false) {
  $("output").setAttribute("aria-busy", "false");
  $("status").textContent = message;
  $("status").classList.toggle("error", isError);
}

// === Translating ===

const translate = newestOnly(async (signal, isNewest) => {
  const text = $("source").value.split("\n").map(line => line.trim());
  if (text.length > limits.max_texts) throw new Error(`At most ${limits.max_texts} lines.`);
  if (!text.some(Boolean)) return show([]);
  $("output").setAttribute("aria-busy", "true");
  const begin = performance.now();
  const { name, n_best } = model();
  const response = await request("translate", { text, model: name, n_best, details: true }, signal);
  const { translations } = await response.json();
  if (!isNewest()) return;
  show(translations);
  report(`${Math.round(performance.now() - begin)} ms`);
});

let timer;
function translateSoon() {
  clearTimeout(timer);
  timer = setTimeout(translate, DEBOUNCE);
}

const showTree = newestOnly(async (signal, isNewest) => {
  if (!$("beam").open || $("beam").hidden) return;
  const text = lineOf(current).trim();
  const [page, response] = await Promise.all([
    request("beam.html", null, signal),
    request("translate", { text: [text], model: model().name, tree: true }, signal),
  ]);
  const template = await page.text();
  const [{ tree }] = (await response.json()).translations;
  if (!isNewest() || !tree) return;
  const data = JSON.stringify({ source: text, ...tree }).replaceAll("<", "\\u003c");
  $("tree").srcdoc = template.replace("{{title}}", "Beam search").replace("{{data}}", () => data);
});

// === Showing ===

const lineOf = number => $("source").value.split("\n")[number] ?? "";

function make(name, properties, ...children) {
  const element = Object.assign(document.createElement(name), properties);
  element.append(...children);
  return element;
}

function show(translations) {
  lines = translations;
  chosen = lines.map(() => 0);
  current = Math.min(current, Math.max(0, lines.length - 1));
  if (!lines.length) report("");
  $("copy").disabled = !lines.length;
  $("output").replaceChildren(...lines.map((line, number) => {
    const paragraph = make("p", { dir: "auto" });
    paragraph.dataset.line = number;
    return paragraph;
  }));
  lines.forEach((line, number) => fill(number));
  select(followCaret(), true);
}

const hypothesisOf = number => lines[number].hypotheses[chosen[number]];

// Writes the words of a line as focusable elements.
function fill(number) {
  const { text, tokens } = hypothesisOf(number), children = [];
  let end = 0;
  for (const [begin, stop, index] of locate(text, tokens)) {
    const word = make("span", { className: "word", tabIndex: children.length ? -1 : 0 });
    word.setAttribute("role", "button");
    word.textContent = text.slice(begin, stop);
    word.dataset.index = index;
    children.push(text.slice(end, begin), word);
    end = stop;
  }
  $("output").children[number].replaceChildren(...children, text.slice(end));
}

// Returns a token as it is in a text, without the marks of tokenizers: ▁ for a space, ￭ where words
// are joined, @@ where a word continues.
const wordOf = token =>
  token.replaceAll("▁", " ").trim().replace(/^￭|￭$/g, "").replace(/(.)@@$/, "$1");

// Yields begin, end and index of the tokens within a text. Tokens that are not found, such as parts
// of characters, are skipped.
function* locate(text, tokens) {
  let position = 0;
  for (const [index, token] of tokens.entries()) {
    const word = wordOf(token);
    const begin = word ? text.indexOf(word, position) : -1;
    if (begin < 0) continue;
    position = begin + word.length;
    yield [begin, position, index];
  }
}

function followCaret() {
  const { value, selectionStart } = $("source");
  return Math.min(value.slice(0, selectionStart).split("\n").length, lines.length || 1) - 1;
}

// Shows the details of a line.
function select(number, isNew = false) {
  if (number === current && !isNew) return;
  current = number;
  const line = lines[current];
  [...$("output").children].forEach((item, index) => item.classList.toggle("current", index === current));
  $("attention").hidden = !line?.source_tokens.length || !model().attention;
  $("alternatives").hidden = !(line?.hypotheses.length > 1);
  $("beam").hidden = !line?.source_tokens.length || !model().beam_tree;
  if (!line) return;
  $("words").dir = getComputedStyle($("source")).direction;
  $("words").replaceChildren(...line.source_tokens.map(token =>
    make("span", { className: "source-word" }, make("bdi", {}, token), make("small", {}))));
  $("hypotheses").replaceChildren(...line.hypotheses.map((hypothesis, index) => {
    const score = hypothesis.score === null ? "" : hypothesis.score.toFixed(3);
    const button = make("button", { type: "button" },
      make("bdi", { dir: "auto" }, hypothesis.text || "(no words)"),
      make("span", { className: "score", title: "score" }, score));
    button.setAttribute("aria-pressed", index === chosen[current]);
    button.addEventListener("click", () => choose(index));
    return make("li", {}, button);
  }));
  attend(null);
  showTree();
}

function choose(index) {
  chosen[current] = index;
  fill(current);
  [...document.querySelectorAll("#hypotheses button")].forEach((button, place) =>
    button.setAttribute("aria-pressed", place === index));
  attend(null);
}

// Shades the source words by the attention weights of a word.
function attend(word) {
  for (const other of document.querySelectorAll(".word.on")) other.classList.remove("on");
  word?.classList.add("on");
  const index = word?.dataset.index;
  const weights = index === undefined ? null : hypothesisOf(current).attention?.[index];
  [...$("words").children].forEach((item, place) => {
    const weight = weights?.[place] ?? 0;
    item.style.setProperty("--weight", weight.toFixed(3));
    item.lastChild.textContent = weights ? percent(weight) : "";
  });
  $("attention-text").textContent = weights ? describe(word.textContent, weights)
    : "Point at a word of the translation, or select it with Tab and the arrow keys.";
}

const percent = weight => weight < 0.005 ? "" : Math.round(100 * weight) + " %";

// Keeps words in right-to-left scripts from reordering the surrounding text.
const isolate = text => `\u2068${text}\u2069`;

function describe(word, weights) {
  const tokens = lines[current].source_tokens;
  const strongest = weights.map((weight, place) => [weight, tokens[place]])
    .sort((a, b) => b[0] - a[0]).slice(0, 3).filter(([weight]) => weight >= 0.05);
  return `${isolate(word)}: ` + (strongest.map(([weight, token]) =>
    `${isolate(token)} ${percent(weight)}`).join(", ") || "no source word");
}

// === Events ===

function onWord(event) {
  const word = event.target.closest(".word");
  if (!word) return;
  select(Number(word.parentElement.dataset.line));
  attend(word);
}
for (const name of ["mouseover", "focusin", "click"]) $("output").addEventListener(name, onWord);
$("output").addEventListener("mouseleave", () => attend(document.activeElement?.closest(".word")));

// The words of a line form a single tab stop; the arrow keys move between them.
$("output").addEventListener("keydown", event => {
  const words = [...event.target.parentElement.querySelectorAll(".word")];
  const direction = getComputedStyle(event.target).direction === "rtl" ? -1 : 1;
  const place = words.indexOf(event.target);
  const next = { ArrowRight: place + direction, ArrowLeft: place - direction, Home: 0,
    End: words.length - 1 }[event.key];
  if (place < 0 || next === undefined) return;
  event.preventDefault();
  if (!words[next]) return;
  words[place].tabIndex = -1;
  words[next].tabIndex = 0;
  words[next].focus();
});

$("source").addEventListener("input", translateSoon);
document.addEventListener("selectionchange", () => {
  if (document.activeElement === $("source") && lines.length) select(followCaret());
});
$("model").addEventListener("change", translate);
$("beam").addEventListener("toggle", showTree);
$("copy").addEventListener("click", async () => {
  const text = lines.map((line, number) => hypothesisOf(number).text).join("\n");
  try {
    await navigator.clipboard.writeText(text);
    report("Copied.");
  } catch {
    report("Copying is not allowed here.", true);
  }
});
$("token-form").addEventListener("submit", event => {
  event.preventDefault();
  sessionStorage.setItem("token", $("token").value);
  $("token").value = "";
  start();
});

const start = newestOnly(async signal => {
  const answer = await (await request("v1/models", null, signal)).json();
  ({ models, limits } = answer);
  $("token-form").hidden = true;
  $("model").replaceChildren(...models.map(item => make("option", {}, item.name)));
  $("model-field").hidden = models.length < 2;
  report("");
  if ($("source").value) await translate();
});
start();
