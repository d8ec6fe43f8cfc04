// The rack owns its rows; Gradio's template is static, so nothing of a style's name is ever run or parsed.
const find = (selector) => element.querySelector(selector);
const list = find(".rack-list"), summary = find(".rack-summary"), filter = find(".rack-filter");
const onlyOn = find(".rack-only input");
const LIMIT = 2, rows = new Map();
let state = {};

const clamp = (number) => Math.max(-LIMIT, Math.min(LIMIT, Number.isFinite(number) ? number : 1));
const entryOf = (name) => state[name] ?? { on: false, strength: 1, solo: false, dials: {} };

function read() {
  try {
    const saved = JSON.parse(props.value || "{}");
    const known = new Set((props.styles ?? []).map((style) => style.name));
    state = Object.fromEntries(Object.entries(saved).filter(([name]) => known.has(name)).map(([name, entry]) =>
      [name, { on: entry.on !== false, strength: clamp(Number(entry.strength ?? 1)), solo: Boolean(entry.solo), dials: cleanDials(entry.dials) }]));
  } catch (error) {
    state = {};
  }
}

function commit(name, change) {
  state = { ...state, [name]: { ...entryOf(name), ...change } };
  publish();
}

function publish() {
  props.value = JSON.stringify(state);
  show();
  if (find(".rack-live input").checked) trigger("redraw");
}

function row(style) {
  const item = make("div", "style", { role: "listitem" });
  const picture = style.thumbnail
    ? make("img", "style-thumb", { src: style.thumbnail, alt: "", loading: "lazy", width: 52, height: 52 })
    : make("span", "style-thumb letter", { "aria-hidden": "true" });
  if (!style.thumbnail) picture.textContent = style.name.slice(0, 1).toUpperCase();
  const name = make("div", "style-name", { title: [style.title, `trigger words: ${style.words || "none"}`, style.kept && `energy kept: ${style.kept}`].filter(Boolean).join("\n") });
  name.append(make("strong", ""), make("small", ""));
  name.firstChild.textContent = style.name;
  name.lastChild.textContent = style.words;
  const solo = make("button", "style-solo", { type: "button", "aria-label": `${style.name} solo`, title: "Use only this style" });
  solo.textContent = "Solo";
  const toggle = make("button", "style-toggle", { type: "button", role: "switch", "aria-label": `${style.name} on` });
  const bounds = { min: -LIMIT, max: LIMIT, step: 0.05 };
  const range = make("input", "style-range", { type: "range", "aria-label": `${style.name} strength`, ...bounds });
  const number = make("input", "style-number", { type: "number", "aria-label": `${style.name} strength as a number`, ...bounds });
  const more = make("button", "style-more", { type: "button", "aria-label": `${style.name} details`, "aria-expanded": "false" });
  more.textContent = "Details";
  const dials = dialPanel(style.name, (next) => commit(style.name, { dials: next }));
  dials.panel.hidden = true;
  item.append(picture, name, more, solo, toggle, range, number, dials.panel);

  toggle.addEventListener("click", () => commit(style.name, { on: !entryOf(style.name).on }));
  more.addEventListener("click", () => {
    dials.panel.hidden = !dials.panel.hidden;
    more.setAttribute("aria-expanded", String(!dials.panel.hidden));
  });
  solo.addEventListener("click", () => {
    const soloed = !entryOf(style.name).solo;
    for (const other of Object.keys(state)) state[other] = { ...state[other], solo: false };
    commit(style.name, { solo: soloed });
  });
  range.addEventListener("input", () => paint({ item, range, number }, Number(range.value)));
  range.addEventListener("change", () => move(style.name, Number(range.value)));
  range.addEventListener("dblclick", () => move(style.name, 1));
  number.addEventListener("change", () => move(style.name, clamp(number.valueAsNumber)));
  return { item, solo, toggle, range, number, more, dials, words: `${style.name} ${style.title} ${style.words}`.toLowerCase() };
}

function move(name, strength) {
  commit(name, { strength, on: true });
}

function paint({ item, range, number }, strength) {
  const place = (value) => `${((value + LIMIT) / (2 * LIMIT)) * 100}%`;
  item.style.setProperty("--low", place(Math.min(0, strength)));
  item.style.setProperty("--high", place(Math.max(0, strength)));
  item.classList.toggle("inverted", strength < 0);
  range.value = strength;
  number.value = strength.toFixed(2);
}

function show() {
  const soloed = Object.keys(state).find((name) => state[name].solo);
  const used = [];
  for (const [name, parts] of rows) {
    const entry = entryOf(name), live = soloed ? soloed === name : entry.on;
    paint(parts, entry.strength);
    parts.item.classList.toggle("on", live);
    parts.item.classList.toggle("muted", entry.on && !live);
    parts.toggle.setAttribute("aria-checked", String(entry.on));
    parts.more.classList.toggle("set", Object.keys(entry.dials).length > 0);
    parts.dials.show(entry.dials);
    parts.solo.setAttribute("aria-pressed", String(entry.solo));
    if (live) used.push(name);
  }
  summary.textContent = soloed ? `solo: ${soloed}` : `${used.length} of ${rows.size} on`;
  find(".rack-off").disabled = used.length === 0;
  sift();
}

function sift() {
  const wanted = filter.value.trim().toLowerCase();
  let visible = 0;
  for (const { item, words } of rows.values()) {
    item.hidden = !words.includes(wanted) || (onlyOn.checked && !item.matches(".on, .muted"));
    visible += item.hidden ? 0 : 1;
  }
  find(".rack-none").hidden = visible > 0 || rows.size === 0;
}

function build() {
  rows.clear();
  for (const style of props.styles ?? []) rows.set(style.name, row(style));
  list.replaceChildren(...[...rows.values()].map((parts) => parts.item));
  const ready = Boolean(props.ready), empty = rows.size === 0, waiting = props.usable ?? 0;
  element.querySelectorAll(".rack-head .rack-off, .rack-summary, .rack-tools, .rack-list").forEach((node) => { node.hidden = empty; });
  find(".rack-empty").hidden = !(ready && empty);
  find(".rack-compress").hidden = waiting === 0;
  find(".rack-waiting").textContent = waiting
    ? `${waiting} ${waiting === 1 ? "LoRA waits" : "LoRAs wait"} in the Library. Compress turns them into styles that share one small space; then each gets a slider here.`
    : "Go to Library, add LoRAs and press Compress; then each of them gets a slider here.";
  read();
  show();
}

find(".rack-off").addEventListener("click", () => {
  for (const name of Object.keys(state)) state[name] = { ...state[name], on: false, solo: false };
  publish();
});
filter.addEventListener("input", sift);
onlyOn.addEventListener("change", sift);
find(".rack-compress").addEventListener("click", () => trigger("compress"));
find(".rack-library").addEventListener("click", () => trigger("library"));
watch(["styles", "usable", "ready"], build);
watch("value", () => { read(); show(); });
build();
