// The strip owns its rows; titles and errors are set as text, so nothing of a job's name is ever parsed.
const find = (selector) => element.querySelector(selector);
const words = JSON.parse(find("[data-words]").dataset.words);
// Gradio knows only of events that are named here.
const ROOMS = ["drawing", "measuring", "incoming", "sheets", "beside"];
const IDLE_MS = 1000, BUSY_MS = 400, HIDDEN_MS = 4000;
const list = find(".queue-list"), opener = find(".queue-open"), notice = find(".queue-notice");
const rows = new Map(), sections = new Map();
let since = -1, known = null, timer = 0, refused = "", lost = false, running = null;

function make(kind, look, more = {}) {
  const node = document.createElement(kind);
  node.className = look;
  for (const [name, value] of Object.entries(more)) node.setAttribute(name, value);
  return node;
}

// Text is only set where it differs, so that screen readers are told of news and nothing else.
function say(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

async function look() {
  clearTimeout(timer);
  try {
    const found = await server.look(since);
    lost = false;
    if (found) take(found);
  } catch (error) {
    lost = true;
  }
  warn();
  if (element.isConnected) timer = setTimeout(look, document.hidden ? HIDDEN_MS : running ? BUSY_MS : IDLE_MS);
}

async function act(name, id) {
  try {
    refused = await server.act({ act: name, id });
  } catch (error) {
    lost = true;
  }
  look();
}

let told = "";
function warn() {
  const text = lost ? words.lost : refused || told;
  say(notice, text);
  notice.hidden = text === "";
}

// The row that was worked on may be elsewhere afterwards: who uses the keyboard stays in the list.
function take(found) {
  since = found.now;
  told = found.notice;
  running = found.groups.running[0] ?? null;
  const within = list.contains(document.activeElement);
  strip(found.summary);
  for (const [group, jobs] of Object.entries(found.groups)) section(group, jobs);
  const held = new Set(Object.values(found.groups).flat().map((job) => job.id));
  for (const id of rows.keys()) if (!held.has(id)) rows.delete(id);
  list.querySelector(".queue-empty").hidden = held.size > 0;
  if (within && !list.contains(document.activeElement)) list.focus();
  for (const room of ROOMS) if (!known || found.rooms[room] > known.rooms[room]) trigger(room);
  if (known && found.renewed > known.renewed) trigger("renewed");
  known = found;
}

function strip(summary) {
  const bar = find(".queue-bar"), [kind, title] = find(".queue-name").children;
  find(".queue").classList.toggle("busy", Boolean(running));
  say(kind, running ? running.kind : "");
  say(title, running ? running.title : words.idle);
  say(find(".queue-words"), running ? running.words : "");
  bar.hidden = !running;
  bar.setAttribute("aria-label", running ? `${running.kind} ${running.title}` : "");
  if (running && running.share !== null) bar.value = running.share;
  else bar.removeAttribute("value");
  find(".queue-cancel").hidden = !running?.acts.includes("cancel");
  say(find(".queue-cancel"), words.acts.cancel);
  find(".queue-cancel").setAttribute("aria-label", running ? `${words.acts.cancel} ${running.title}` : "");
  say(opener, summary || words.label);
}

function section(group, jobs) {
  const { node, body } = sections.get(group), focused = document.activeElement;
  node.hidden = jobs.length === 0;
  const wanted = jobs.map((job) => {
    if (!rows.has(job.id)) rows.set(job.id, row());
    const parts = rows.get(job.id);
    paint(parts, job);
    return parts.item;
  });
  if (wanted.some((item, place) => body.children[place] !== item) || body.children.length !== wanted.length) {
    body.replaceChildren(...wanted);
    if (focused?.isConnected && body.contains(focused)) focused.focus();
  }
}

function row() {
  const item = make("li", "queue-row"), head = make("p", "queue-what"), acts = make("div", "queue-acts");
  head.append(make("small", ""), make("span", ""));
  const state = make("span", "queue-state"), line = make("p", "queue-line"), at = make("time", "queue-at");
  item.append(head, state, line, at, acts);
  return { item, head, state, line, at, acts, offered: "" };
}

function paint(parts, job) {
  say(parts.head.firstChild, job.kind);
  say(parts.head.lastChild, job.title);
  say(parts.state, job.state);
  parts.state.className = `queue-state ${job.tone}`;
  say(parts.line, job.words);
  say(parts.at, when(job.at));
  const offered = job.acts.join();
  if (offered === parts.offered) return;
  const had = parts.acts.contains(document.activeElement) ? document.activeElement.dataset.act : "";
  parts.offered = offered;
  parts.acts.replaceChildren(...job.acts.map((name) => button(name, job)));
  if (had) (parts.acts.querySelector(`[data-act="${had}"]`) ?? parts.acts.querySelector("button") ?? list).focus();
}

function button(name, job) {
  const node = make("button", "queue-act", { type: "button", "data-act": name, "aria-label": `${words.acts[name]}: ${job.title}` });
  node.textContent = words.acts[name];
  node.addEventListener("click", () => act(name, job.id));
  return node;
}

function when(seconds) {
  const date = new Date(seconds * 1000), time = date.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
  return date.toDateString() === new Date().toDateString() ? time : `${date.toLocaleDateString()} ${time}`;
}

function open(wide) {
  list.hidden = !wide;
  opener.setAttribute("aria-expanded", String(wide));
  opener.title = wide ? words.close : words.open;
  if (wide) list.focus();
}

for (const [group, title] of Object.entries(words.groups)) {
  const node = make("section", "queue-group", { "aria-label": title }), head = make("h2", ""), body = make("ol", "queue-rows");
  head.textContent = title;
  node.append(head, body);
  node.hidden = true;
  list.append(node);
  sections.set(group, { node, body });
}
const empty = make("p", "queue-empty");
empty.textContent = words.empty;
list.append(empty);
opener.addEventListener("click", () => open(list.hidden));
find(".queue-cancel").addEventListener("click", () => running && act("cancel", running.id));
element.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || list.hidden) return;
  open(false);
  opener.focus();
});
document.addEventListener("pointerdown", (event) => {
  if (!list.hidden && !element.contains(event.target)) open(false);
});
document.addEventListener("visibilitychange", () => document.hidden || look());
strip("");
open(false);
look();
