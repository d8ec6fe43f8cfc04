// The rack: its list, its tools and its keys. It owns its rows; Gradio's template is static, so nothing of a
// style's name is ever run or parsed.
const list = find(".rack-list"), summary = find(".rack-summary"), filter = find(".rack-filter");
const onlyOn = find(".rack-only input"), sort = find(".rack-sort");
const rows = new Map();
const LESS_MS = 120, FIRST = 60, CHUNK = 110;
let lastDrag = 0, building = 0;

function show() {
  const alone = soloed();
  let used = 0;
  for (const parts of rows.values()) {
    showRow(parts, alone);
    used += heard(parts.name, alone) ? 1 : 0;
  }
  summary.textContent = alone ? say("soloed", alone) : say("count", used, styleByName.size);
  find(".rack-off").disabled = !Object.values(state).some((entry) => (entry.on || entry.solo) && !entry.lock);
  const side = whole.side ?? "a";
  element.querySelectorAll(".rack-side button").forEach((node) => node.setAttribute("aria-pressed", String(node.value === side)));
  find(".rack-even input").checked = Boolean(whole.even);
  find(".rack-compact input").checked = Boolean(whole.compact);
  find(".rack").classList.toggle("compact", Boolean(whole.compact));
  sort.value = whole.sort ?? "name";
  useScales();
  weigh();
  showPlaces();
  sift();
}

function sift() {
  const wanted = filter.value.trim().toLowerCase();
  let visible = 0;
  for (const { item, words } of rows.values()) {
    const hidden = !words.includes(wanted) || (onlyOn.checked && !item.matches(".on, .muted"));
    if (item.hidden !== hidden) item.hidden = hidden;
    visible += hidden ? 0 : 1;
  }
  find(".rack-none").hidden = visible > 0 || rows.size === 0;
}

// Rows change places when that is asked for, and never under a moving hand.
function arrange() {
  const strength = ({ name }) => (heard(name) ? Math.abs(entryOf(name).strength * scaleOf(name)) : -1);
  const by = {
    name: () => 0,
    strength: (one, other) => strength(other) - strength(one),
    favourite: (one, other) => Number(Boolean(styleOf(other.name)?.favourite)) - Number(Boolean(styleOf(one.name)?.favourite)),
  }[whole.sort ?? "name"] ?? (() => 0);
  const order = [...rows.values()].sort((one, other) => Number(Boolean(other.thrown)) - Number(Boolean(one.thrown)) || by(one, other) || one.place - other.place);
  if (order.every(({ item }, place) => list.children[place] === item)) return;
  const focused = list.contains(document.activeElement) ? document.activeElement : null;
  list.replaceChildren(...order.map(({ item }) => item));
  focused?.focus({ preventScroll: true });
}

function build() {
  fillWords();
  styleByName.clear();
  for (const style of JSON.parse(props.styles || "[]")) styleByName.set(style.name, style);
  scales = null;
  rows.clear();
  list.replaceChildren();
  read();
  const waiting = [...styleByName.values()];
  waiting.splice(0, FIRST).forEach(addRow);
  forgetNumbers();
  for (const name of Object.keys(state)) if (!styleByName.has(name)) derive(name);
  const ready = Boolean(props.ready), empty = rows.size === 0, usable = props.usable ?? 0;
  element.querySelectorAll(".rack-head .rack-off, .rack-side, .rack-summary, .rack-tools, .rack-checks, .rack-list, .blend").forEach((node) => { node.hidden = empty; });
  find(".rack-empty").hidden = !(ready && empty);
  find(".rack-compress").hidden = usable === 0;
  find(".rack-waiting").textContent = usable ? say(usable === 1 ? "waiting_one" : "waiting", usable) : say("nothing_waits");
  arrange();
  show();
  addRest(waiting, ++building);
}

// The first rows are there at once, the others follow while the page can be used already.
function addRest(waiting, turn) {
  if (waiting.length === 0 || turn !== building) return;
  setTimeout(() => {
    if (turn !== building) return;
    waiting.splice(0, CHUNK).forEach(addRow);
    if (waiting.length === 0) arrange();
    show();
    addRest(waiting, turn);
  }, 0);
}

function addRow(style) {
  const parts = row(style);
  rows.set(style.name, Object.assign(parts, { place: rows.size, thrown: style.thrown }));
  list.append(parts.item);
}

function dragged(name, strength) {
  if (!find(".rack-live input").checked || !find(".rack-drag input").checked || performance.now() - lastDrag < LESS_MS) return;
  lastDrag = performance.now();
  state = { ...state, [name]: { ...entryOf(name), strength, on: true } };
  props.value = written();
  show();
  trigger("preview");
}

function allOff() {
  for (const name of Object.keys(state)) if (!state[name].lock) state[name] = { ...state[name], on: false, solo: false, mute: false };
  publish();
}

const ROW_KEYS = {
  o: ({ toggle }) => toggle.click(), m: ({ mute }) => mute.click(), s: ({ solo: press }) => press.click(),
  l: ({ lock }) => lock.click(), d: ({ more }) => more.click(), r: ({ name }) => move(name, usualOf(name)),
};

function typed(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input:not([type=range], [type=checkbox]), select, .map svg")) return;
  const key = event.key.toLowerCase(), parts = rows.get(event.target.closest(".style")?.dataset.name);
  if (key === "x") flip((whole.side ?? "a") === "a" ? "b" : "a");
  else if (key === "/") filter.focus();
  else if (key === "j" || key === "k") step(parts, key === "j" ? 1 : -1);
  else if (parts && ROW_KEYS[key]) ROW_KEYS[key](parts);
  else return;
  event.preventDefault();
}

function step(parts, by) {
  const seen = [...list.children].filter((item) => !item.hidden);
  const next = seen[Math.max(0, Math.min(seen.length - 1, seen.indexOf(parts?.item) + by))];
  next?.querySelector(".style-range").focus();
  next?.scrollIntoView({ block: "nearest" });
}

// What stands beside each word and sign of the rack for those who cannot point at it.
const SIGNED = [["solo", "S"], ["mute"], ["lock"], ["details", icon("more")]];
const NAMED = ["even", "live", "drag", "balance", "dice", "remix", "directions", "map"];

function showHelp() {
  const signs = SIGNED.map(([key, sign]) => [sign ?? icon(key), say(`${key}_title`)]);
  const named = NAMED.map((key) => [say(key), say(`${key}_title`)]);
  find(".rack-keys").replaceChildren(...explained("words", [...named, ...signs], "dl-words"), ...explained("keys", props.keys ?? [], "dl-keys"));
  find(".rack-keys").togglePopover();
}

function explained(heading, pairs, look) {
  const title = make("h3", ""), told = make("dl", look);
  title.textContent = say(heading);
  for (const [term, words] of pairs) {
    const [name, sentence] = [make("dt", ""), make("dd", "")];
    name.append(term);
    sentence.textContent = words;
    told.append(name, sentence);
  }
  return [title, told];
}

find(".rack-off").addEventListener("click", allOff);
element.querySelectorAll(".rack-side button").forEach((node) => node.addEventListener("click", () => flip(node.value)));
find(".rack-help").addEventListener("click", showHelp);
filter.addEventListener("input", sift);
onlyOn.addEventListener("change", sift);
sort.addEventListener("change", () => { tell({ sort: sort.value === "name" ? undefined : sort.value }); arrange(); });
find(".rack-compact input").addEventListener("change", (event) => tell({ compact: event.target.checked }));
find(".rack-even input").addEventListener("change", (event) => tell({ even: event.target.checked }));
find(".rack-live input").addEventListener("change", (event) => { find(".rack-drag").hidden = !event.target.checked; });
find(".rack").addEventListener("keydown", typed);
find(".rack-compress").addEventListener("click", () => trigger("compress"));
find(".rack-library").addEventListener("click", () => trigger("library"));
watch(["styles", "usable", "ready"], build);
watch("value", () => { if (props.value !== written()) { read(); show(); } });
build();
