// Everything about the chosen card, and what the user says of it.
const drawer = find(".lib-details");

function field(label, hint, control) {
  control.setAttribute("aria-label", label);
  return make("label", "lib-field", {}, make("span", "", {}, label), control, ...(hint ? [make("small", "", {}, hint)] : []));
}

function listField(card, key, label, hint) {
  const input = make("input", "", { type: "text", autocomplete: "off", spellcheck: "false" });
  input.value = card[key].join(", ");
  input.addEventListener("change", () => change(card, { [key]: split(input.value) }));
  return field(label, hint, input);
}

const split = (line) => [...new Set(line.split(",").map((word) => word.trim()).filter(Boolean))];

function stars(card) {
  const group = make("div", "lib-stars", { role: "radiogroup", "aria-label": words.details.rating });
  for (let count = 1; count <= 5; count += 1) {
    const on = card.rating >= count;
    const one = button(on ? "on" : "", on ? "★" : "☆", { role: "radio", "aria-checked": String(card.rating === count), "aria-label": fill(words.details.stars, { count }) });
    one.addEventListener("click", () => change(card, { rating: card.rating === count ? 0 : count }));
    group.append(one);
  }
  return group;
}

function suggestions(card) {
  const more = card.suggested.filter((word) => !card.words.includes(word));
  if (!more.length) return [];
  const chipsOf = more.slice(0, 12).map((word) => {
    const chip = button("lib-suggested", `+ ${word}`, { "aria-label": fill(words.details.add, { word }) });
    chip.addEventListener("click", () => change(card, { words: [...card.words, word] }));
    return chip;
  });
  return [make("div", "lib-suggestions", {}, make("small", "", {}, words.details.suggested), ...chipsOf)];
}

function saying(card) {
  const weight = make("input", "", { type: "number", min: -2, max: 2, step: 0.05 });
  weight.value = card.weight ?? "";
  weight.addEventListener("change", () => change(card, { weight: weight.value === "" ? null : weight.valueAsNumber }));
  const notes = make("textarea", "", { rows: 3 });
  notes.value = card.notes;
  notes.addEventListener("change", () => change(card, { notes: notes.value }));
  return make("div", "lib-form", {},
    listField(card, "words", words.details.words, words.details.wordsHint), ...suggestions(card),
    listField(card, "tags", words.details.tags, words.details.tagsHint),
    field(words.details.weight, words.details.weightHint, weight), field(words.details.notes, "", notes));
}

function actions(card) {
  const made = [];
  if (card.style) {
    const rack = button("lib-button", words.details.toRack);
    rack.addEventListener("click", () => showInRack(card.name));
    made.push(rack);
  }
  if (card.usable) {
    const pick = button("lib-button", words.details.choose);
    pick.addEventListener("click", () => {
      trigger("choose", { name: card.name });
      say(`${words.details.chosen}: ${card.name}`);
    });
    made.push(pick);
  }
  return make("div", "lib-actions", {}, ...made);
}

function showInRack(name) {
  trigger("rack");
  const rackFilter = document.querySelector("#rack .rack-filter");
  if (!rackFilter) return;
  rackFilter.value = name;
  rackFilter.dispatchEvent(new Event("input", { bubbles: true }));
}

function others(names, template) {
  return names.length ? [make("p", "lib-reason fair", {}, fill(template, { names: names.join(", ") }))] : [];
}

function known(card) {
  const place = make("div", "lib-known");
  place.append(make("p", "quiet", {}, words.details.loading));
  ask("details", card.name).then((answer) => {
    if (answer) place.replaceChildren(...similar(card, answer.alike), ...factsOf(answer.facts));
    else place.replaceChildren();
  });
  return place;
}

function similar(card, found) {
  if (!card.style) return card.usable ? [make("p", "quiet", {}, words.details.similarWait)] : [];
  if (!found.length) return [];
  const rows = found.map(([name, cosine]) => {
    const row = button("lib-alike", "", {}, name);
    row.append(make("span", "", {}, name), make("i"), make("b", "", {}, cosine.toFixed(2)));
    row.style.setProperty("--share", Math.max(0, cosine));
    row.addEventListener("click", () => choose(name));
    return row;
  });
  return [make("h4", "", {}, words.details.similar), make("small", "", {}, words.details.similarNote), make("div", "lib-alikes", {}, ...rows)];
}

function factsOf(facts) {
  if (!facts.length) return [];
  const list = make("dl", "", {}, ...facts.flatMap(([label, line]) => [make("dt", "", {}, label), make("dd", "", {}, line)]));
  return [make("h4", "", {}, words.details.facts), list];
}

function details(card) {
  drawer.hidden = !card;
  find(".lib-body").classList.toggle("open", Boolean(card));
  if (!card) return drawer.replaceChildren();
  drawer.setAttribute("aria-label", `${words.details.label}: ${card.name}`);
  const close = button("lib-close", "×", { "aria-label": words.details.close });
  close.addEventListener("click", () => choose(null));
  const head = make("div", "lib-head", {}, make("div", "lib-picture", { "data-picture": card.name }, picture(card)),
    make("div", "", {}, make("h3", "", {}, card.name), ...(card.title ? [make("p", "quiet", {}, card.title)] : []),
      make("span", `badge ${card.tone}`, {}, card.verdict), stars(card)), star(card), close);
  const reason = card.reason ? [make("p", `lib-reason ${card.tone}`, {}, card.reason)] : [];
  const pairs = near.filter((pair) => pair.includes(card.name)).map((pair) => pair.find((name) => name !== card.name));
  const same = (groups.find((group) => group.includes(card.name)) ?? []).filter((name) => name !== card.name);
  drawer.replaceChildren(head, ...reason, ...others(same, words.details.twins), ...others(pairs, words.details.near),
    actions(card), saying(card), known(card));
  drawer.scrollTop = 0;
}

drawer.addEventListener("keydown", (event) => {
  if (event.key === "Escape") choose(null);
});
