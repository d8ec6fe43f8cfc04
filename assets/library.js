// The grid: its cards come from the server at once, its pictures and details when they are looked at.
const KEYS = { words: "trigger_words", weight: "preferred_weight", notes: "text" };

function choose(name) {
  const back = name === null ? chosen : null;
  chosen = name;
  details(byName.get(name) ?? null);
  layOut();
  if (back !== null) openButton(back)?.focus();
  if (sort.value === "alike" && name) readLikeness().then(siftAnew);
}

async function change(card, changes) {
  const before = Object.fromEntries(Object.keys(changes).map((key) => [key, card[key]]));
  show(card, changes);
  const asked = Object.fromEntries(Object.entries(changes).map(([key, value]) => [KEYS[key] ?? key, value]));
  if ((await ask("note", { name: card.name, changes: asked })) === null) show(card, before);
  else say(words.details.saved);
}

function show(card, changes) {
  Object.assign(card, changes);
  card.text = textOf(card);
  sift();
  draw(true);
  if (card.name !== chosen) return;
  const focused = drawer.contains(document.activeElement) ? document.activeElement.getAttribute("aria-label") : null;
  const top = drawer.scrollTop;
  drawer.querySelector(".lib-head .lib-star").replaceWith(star(card));
  drawer.querySelector(".lib-stars").replaceWith(stars(card));
  drawer.querySelector(".lib-form").replaceWith(saying(card));
  drawer.scrollTop = top;
  if (focused) drawer.querySelector(`[aria-label="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
}

async function readRelations() {
  const found = await ask("relations", cards.length);
  if (!found) return;
  groups = found.twins;
  near = found.near;
  twins = new Set(groups.flat());
  sift();
  draw(true);
}

function build() {
  cards = (props.cards ?? []).map((card) => ({ ...card, text: textOf(card) }));
  byName = new Map(cards.map((card) => [card.name, card]));
  if (!byName.has(chosen)) chosen = null;
  const empty = Boolean(props.ready) && cards.length === 0;
  find(".lib-empty").hidden = !empty;
  for (const selector of [".lib-tools", ".lib-chips", ".lib-body", ".lib-status"]) find(selector).hidden = cards.length === 0;
  makePlaces();
  sift();
  layOut();
  if (chosen && !drawer.contains(document.activeElement)) details(byName.get(chosen));
  if (cards.length) readRelations();
}

find(".lib").setAttribute("aria-label", words.grid.label);
find(".lib-empty h3").textContent = words.empty.title;
find(".lib-empty ol").append(...words.empty.ways.map((way) => make("li", "", {}, way)));
makeTools();
watch("cards", build);
build();
