// One card, and the pictures that are made when their cards come into sight.
const waiting = new Set();
let asking = 0;

function letter(name) {
  return make("span", "lib-letter", { "aria-hidden": "true" }, name.slice(0, 1).toUpperCase());
}

function picture(card) {
  if (card.thumb) return make("img", "", { src: card.thumb, alt: "", loading: "lazy", decoding: "async" });
  if (card.picture) want(card.name);
  return letter(card.name);
}

function want(name) {
  waiting.add(name);
  window.clearTimeout(asking);
  asking = window.setTimeout(fetchPictures, 60);
}

async function fetchPictures() {
  const names = [...waiting].slice(0, 40);
  names.forEach((name) => waiting.delete(name));
  const found = (await ask("thumbnails", names)) ?? {};
  for (const name of names) {
    const card = byName.get(name);
    if (!card) continue;
    card.thumb = found[name] ?? "";
    card.picture = false;
    if (card.thumb) element.querySelectorAll(`[data-picture="${CSS.escape(name)}"]`).forEach((place) => place.replaceChildren(picture(card)));
  }
  if (waiting.size) fetchPictures();
}

function star(card) {
  const node = button("lib-star", "", { "aria-pressed": String(card.favourite), "aria-label": fill(words.grid.favourite, card) });
  node.addEventListener("click", (event) => {
    event.stopPropagation();
    change(card, { favourite: !card.favourite });
  });
  return node;
}

function wordsButton(card) {
  const line = card.words.join(", ");
  if (!line) return make("span", "lib-words quiet", {}, words.grid.noWords);
  const node = button("lib-words", line, { title: line, "aria-label": fill(words.grid.copy, { words: line }) });
  node.addEventListener("click", async (event) => {
    event.stopPropagation();
    await copy(line);
    say(`${words.grid.copied}: ${line}`);
  });
  return node;
}

// A page that is served to another machine without TLS has no clipboard.
async function copy(line) {
  if (navigator.clipboard) return navigator.clipboard.writeText(line);
  const area = make("textarea", "", { "aria-hidden": "true" });
  area.value = line;
  element.append(area);
  area.select();
  document.execCommand("copy");
  area.remove();
}

function bar(card) {
  if (card.kept == null) return "";
  const node = make("span", `lib-kept ${card.keptTone}`, { title: words.grid.keptTitle }, make("i"), `${Math.round(card.kept * 100)} %`);
  node.style.setProperty("--share", card.kept);
  return node;
}

function cardNode(card, place, count) {
  const open = button("lib-open", card.name, { "aria-label": fill(words.grid.open, card), title: card.title || card.name });
  const twin = twins.has(card.name) ? make("span", "badge fair", { title: words.grid.twinTitle }, words.grid.twin) : "";
  const badges = make("span", "lib-badges", {}, make("span", `badge ${card.tone}`, { title: card.reason }, card.verdict), twin);
  const node = make("div", "lib-card", { role: "listitem", "aria-setsize": count, "aria-posinset": place + 1, "data-name": card.name },
    make("div", "lib-picture", { "data-picture": card.name }, picture(card)), badges, star(card), open, make("small", "lib-title", {}, card.title),
    wordsButton(card), make("span", "lib-foot", {}, make("small", "", {}, card.size), bar(card)));
  node.classList.toggle("chosen", card.name === chosen);
  const still = place === active ? 0 : -1;
  for (const part of node.querySelectorAll("button")) part.tabIndex = still;
  node.addEventListener("click", () => choose(card.name));
  return node;
}
