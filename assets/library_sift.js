// Which cards are shown, and in what order.
const search = find(".lib-search"), chips = find(".lib-chips"), place = find(".lib-place select"), sort = find(".lib-sort select");
let filter = "all", alike = {};

const TESTS = {
  all: () => true,
  usable: (card) => card.usable,
  styles: (card) => card.style,
  waiting: (card) => card.usable && !card.style,
  favourites: (card) => card.favourite,
  problems: (card) => card.problem,
  twins: (card) => twins.has(card.name),
};
const collate = new Intl.Collator(undefined, { numeric: true, sensitivity: "base" });
const ORDERS = {
  name: () => 0,
  changed: (a, b) => b.changed - a.changed,
  bytes: (a, b) => b.bytes - a.bytes,
  kept: (a, b) => (b.kept ?? -1) - (a.kept ?? -1),
  rating: (a, b) => b.rating - a.rating || b.favourite - a.favourite,
  alike: (a, b) => likenessOf(b) - likenessOf(a),
};
const likenessOf = (card) => (card.name === chosen ? 2 : alike[card.name] ?? -2);

function textOf(card) {
  return [card.name, card.title, card.base, card.place, card.notes, ...card.words, ...card.tags].join("\n").toLowerCase();
}

function sift() {
  const wanted = search.value.toLowerCase().split(/\s+/).filter(Boolean);
  const here = cards.filter((card) => place.value === "*" || card.place === place.value || card.place.startsWith(`${place.value}/`) && place.value);
  const found = here.filter((card) => wanted.every((word) => card.text.includes(word)));
  for (const chip of chips.children) chip.querySelector("small").textContent = found.filter(TESTS[chip.dataset.filter]).length;
  const order = ORDERS[sort.value];
  shown = found.filter(TESTS[filter]).sort((a, b) => order(a, b) || collate.compare(a.name, b.name));
  const whole = { shown: shown.length, all: cards.length };
  say(fill(shown.length === cards.length ? words.grid.countAll : words.grid.count, whole));
  find(".lib-none").hidden = shown.length > 0 || cards.length === 0;
  active = Math.min(active, Math.max(0, shown.length - 1));
}

function siftAnew() {
  active = 0;
  sift();
  scroller.scrollTop = 0;
  layOut();
}

function makeTools() {
  search.placeholder = words.grid.search;
  search.setAttribute("aria-label", words.grid.searchLabel);
  find(".lib-sort span").textContent = words.grid.sort;
  find(".lib-place span").textContent = words.grid.folder;
  sort.replaceChildren(...Object.entries(words.sorts).map(([value, label]) => make("option", "", { value }, label)));
  chips.setAttribute("aria-label", words.grid.label);
  chips.replaceChildren(...Object.entries(words.filters).map(([value, label]) => {
    const chip = button("lib-chip", `${label} `, { "data-filter": value, "aria-pressed": String(value === filter) });
    chip.append(make("small"));
    chip.addEventListener("click", () => setFilter(value));
    return chip;
  }));
  find(".lib-none p").textContent = words.grid.none;
  const clear = find(".lib-none button");
  clear.textContent = words.grid.clear;
  clear.addEventListener("click", () => {
    search.value = "";
    place.value = "*";
    setFilter("all");
    search.focus();
  });
  search.addEventListener("input", siftAnew);
  place.addEventListener("change", siftAnew);
  sort.addEventListener("change", async () => {
    if (sort.value === "alike") await readLikeness();
    siftAnew();
  });
}

function setFilter(value) {
  filter = value;
  for (const chip of chips.children) chip.setAttribute("aria-pressed", String(chip.dataset.filter === value));
  siftAnew();
}

function makePlaces() {
  const before = place.value || "*";
  const places = [...new Set(cards.map((card) => card.place).filter(Boolean))].sort(collate.compare);
  const options = [["*", words.grid.anyFolder], ["", words.grid.ownFolder], ...places.map((name) => [name, name])];
  place.replaceChildren(...options.map(([value, label]) => make("option", "", { value }, label)));
  place.value = options.some(([value]) => value === before) ? before : "*";
  find(".lib-place").hidden = places.length === 0;
}

async function readLikeness() {
  alike = chosen ? (await ask("likeness", chosen))?.alike ?? {} : {};
}
