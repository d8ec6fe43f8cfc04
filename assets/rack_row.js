// One style's row. Its dials are made when they are first opened: five hundred rows would have thousands.
function row(style) {
  const item = make("div", "style", { role: "listitem", "data-name": style.name }), name = style.name;
  const parts = { item, name, words: `${name} ${style.title ?? ""} ${style.words ?? ""}`.toLowerCase(), seen: "" };
  const bounds = { min: -LIMIT, max: LIMIT, step: 0.05 };
  parts.solo = button("style-mark style-solo", say("solo", name), { title: say("solo_title"), words: "S" });
  parts.mute = button("style-mark style-mute", say("mute", name), { title: say("mute_title"), picture: "mute" });
  parts.lock = button("style-mark style-lock", say("lock", name), { title: say("lock_title"), picture: "lock" });
  parts.more = button("style-mark style-more", say("details", name), { title: say("details_title"), picture: "more" });
  parts.more.setAttribute("aria-expanded", "false");
  parts.toggle = make("button", "style-toggle", { type: "button", role: "switch", "aria-label": say("on", name) });
  parts.range = make("input", "style-range", { type: "range", "aria-label": say("strength", name), ...bounds });
  parts.number = make("input", "style-number", { type: "number", "aria-label": say("number", name), ...bounds });
  const marks = make("div", "style-marks");
  marks.append(parts.more, parts.lock, parts.mute, parts.solo);
  item.append(picture(style), title(style), marks, parts.toggle, parts.range, parts.number);
  if (style.derived) item.append(ends(style));
  listen(parts);
  return parts;
}

function picture(style) {
  if (style.thumbnail) return make("img", "style-thumb", { src: style.thumbnail, alt: "", loading: "lazy", decoding: "async", width: 52, height: 52 });
  const letter = make("span", "style-thumb letter", { "aria-hidden": "true" });
  letter.textContent = style.sign ?? style.name.slice(0, 1).toUpperCase();
  return letter;
}

function title(style) {
  const told = [style.title, style.derived ? style.words : say("triggers", style.words || say("no_triggers")), style.kept && say("kept", style.kept)];
  const box = make("div", "style-name", { title: told.filter(Boolean).join("\n") });
  box.append(make("strong", ""), make("small", ""));
  box.firstChild.textContent = style.name;
  box.lastChild.textContent = style.words ?? "";
  if (style.favourite) box.prepend(icon("star"));
  return box;
}

// A derived style can be kept under a name; one that was thrown can be taken away.
function ends(style) {
  const box = make("form", style.thrown ? "style-ends" : "style-ends quiet");
  const wish = make("input", "style-keep-name", { type: "text", "aria-label": say("keep_as", style.name), placeholder: style.name, maxlength: 60, autocomplete: "off" });
  const save = button("style-keep", say("keep", style.name), { words: say("keep_short") });
  save.type = "submit";
  box.append(wish, save);
  if (style.thrown) {
    const drop = button("style-drop", say("drop", style.name), { picture: "drop" });
    drop.addEventListener("click", () => forget(style.name));
    box.append(drop);
  }
  box.addEventListener("submit", (event) => { event.preventDefault(); keep(style.name, wish.value.trim() || style.name); });
  return box;
}

function listen(parts) {
  const { name, range, number } = parts;
  parts.toggle.addEventListener("click", () => commit(name, { on: !entryOf(name).on, mute: false }));
  parts.mute.addEventListener("click", () => commit(name, { mute: !entryOf(name).mute }));
  parts.lock.addEventListener("click", () => commit(name, { lock: !entryOf(name).lock }));
  parts.solo.addEventListener("click", () => solo(name));
  parts.more.addEventListener("click", () => unfold(parts));
  range.addEventListener("input", () => { paint(parts, Number(range.value)); dragged(name, Number(range.value)); });
  range.addEventListener("change", () => move(name, Number(range.value)));
  range.addEventListener("dblclick", () => move(name, usualOf(name)));
  number.addEventListener("change", () => move(name, clamp(number.valueAsNumber)));
}

function move(name, strength) {
  commit(name, { strength, on: true });
}

function solo(name) {
  const alone = !entryOf(name).solo;
  for (const other of Object.keys(state)) state[other] = { ...state[other], solo: false };
  commit(name, { solo: alone });
}

function unfold(parts) {
  if (!parts.dials) {
    parts.dials = dialPanel(parts.name, (next) => commit(parts.name, { dials: next }));
    parts.dials.show(entryOf(parts.name).dials);
    parts.item.append(parts.dials.panel);
  } else {
    parts.dials.panel.hidden = !parts.dials.panel.hidden;
  }
  parts.more.setAttribute("aria-expanded", String(!parts.dials.panel.hidden));
}

function paint({ item, range, number }, strength) {
  const place = (value) => `${((value + LIMIT) / (2 * LIMIT)) * 100}%`;
  item.style.setProperty("--low", place(Math.min(0, strength)));
  item.style.setProperty("--high", place(Math.max(0, strength)));
  item.classList.toggle("inverted", strength < 0);
  range.value = strength;
  number.value = strength.toFixed(2);
}

// Only what has changed is painted: an update costs as much as the styles it touches.
function showRow(parts, alone) {
  const entry = entryOf(parts.name), live = heard(parts.name, alone), scale = scaleOf(parts.name);
  const seen = JSON.stringify([entry, live, scale]);
  if (seen === parts.seen) return;
  parts.seen = seen;
  paint(parts, entry.strength);
  parts.item.classList.toggle("on", live);
  parts.item.classList.toggle("muted", (entry.on || entry.solo) && !live);
  parts.item.classList.toggle("held", entry.lock);
  parts.toggle.setAttribute("aria-checked", String(entry.on));
  parts.solo.setAttribute("aria-pressed", String(entry.solo));
  parts.mute.setAttribute("aria-pressed", String(entry.mute));
  parts.lock.setAttribute("aria-pressed", String(entry.lock));
  parts.more.classList.toggle("set", Object.keys(entry.dials).length > 0);
  parts.number.title = scale === 1 ? "" : say("scaled", (entry.strength * scale).toFixed(2));
  parts.dials?.show(entry.dials);
}
