// One picture at a size to look at, with what it was drawn with; or two under one slider.
const view = find(".gallery-view"), left = find(".gallery-left"), right = find(".gallery-right"), split = find(".gallery-split");
const told = find(".gallery-told"), body = find(".gallery-body");
let seen = [];

function line(kind, look, text) {
  const node = make(kind, look);
  node.textContent = text;
  return node;
}

function rows(facts) {
  const list = make("dl", "gallery-facts");
  for (const [name, ...values] of facts) {
    list.append(line("dt", "", name));
    for (const value of values) list.append(line("dd", "", value));
  }
  list.classList.toggle("pair", facts.some((row) => row.length > 2));
  return list;
}

function tellOne(one) {
  const parts = [];
  if (one.prompt) parts.push(line("p", "gallery-prompt", one.prompt));
  if (one.negative) parts.push(line("p", "gallery-negative", `${words.negative}: ${one.negative}`));
  if (!one.known) parts.push(line("p", "gallery-negative", words.no_settings));
  parts.push(rows(one.facts));
  if (one.text) {
    const text = make("details", "gallery-text");
    text.append(line("summary", "", words.settings), line("pre", "", one.text));
    parts.push(text);
  }
  told.replaceChildren(...parts);
}

// What differs between two pictures, side by side.
function tellTwo([one, other]) {
  const table = (picture) => new Map([["prompt", picture.prompt], ["negative", picture.negative], ...picture.facts]);
  const first = table(one), second = table(other), differing = [];
  for (const name of new Set([...first.keys(), ...second.keys()])) {
    const pair = [first.get(name) || "–", second.get(name) || "–"];
    if (pair[0] !== pair[1]) differing.push([name === "prompt" ? words.prompt : name === "negative" ? words.negative : name, ...pair]);
  }
  told.replaceChildren(differing.length > 1 ? rows(differing) : line("p", "gallery-negative", words.same));
}

function cut() {
  right.style.clipPath = `inset(0 0 0 ${split.value}%)`;
  split.style.setProperty("--at", `${split.value}%`);
}

async function open(pictures) {
  const answer = await server.large_one(pictures).catch(() => ({ error: words.lost }));
  if (answer.error) return news(answer.error);
  const two = answer.found.length > 1;
  seen = answer.found;
  left.src = seen[0].url;
  left.alt = seen[0].prompt || seen[0].key;
  if (two) { right.src = seen[1].url; right.alt = seen[1].prompt || seen[1].key; }
  else right.removeAttribute("src");
  right.hidden = split.hidden = !two;
  view.classList.toggle("two", two);
  view.hidden = false;
  cut();
  if (two) tellTwo(seen);
  else tellOne(seen[0]);
  measure();
  paint();
  return true;
}

function enlarge(on) {
  body.classList.toggle("wide", on);
  measure();
  paint();
  if (on) find(".gallery-back").focus({ preventScroll: true });
  else { reveal(Math.max(0, current)); grid.focus({ preventScroll: true }); }
}

function close() {
  seen = [];
  view.hidden = true;
  body.classList.remove("wide");
  measure();
}

// Copying needs a secure page; elsewhere the text is marked and the browser asked.
async function copy(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  const area = make("textarea", "");
  area.value = text;
  document.body.append(area);
  area.select();
  document.execCommand("copy");
  area.remove();
}

split.addEventListener("input", cut);
find(".gallery-back").addEventListener("click", () => enlarge(false));
find(".gallery-larger").addEventListener("click", () => enlarge(true));
left.addEventListener("click", () => enlarge(!body.classList.contains("wide")));
find(".gallery-copy").addEventListener("click", async (event) => {
  await copy(seen[0]?.text ?? "");
  event.target.textContent = words.copied;
  setTimeout(() => { event.target.textContent = words.copy; }, 1500);
});
for (const button of element.querySelectorAll("[data-act]")) {
  button.addEventListener("click", () => {
    props.value = seen[0].key;
    trigger(button.dataset.act);
  });
}
