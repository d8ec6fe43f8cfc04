// What is computed from the styles' cores: the meter, balance, dice, directions. Python answers in words and figures.
const WEIGH_MS = 120, CALM = 0.15;
const SIGNS = { dice: "⚄", remix: "⚂", direction: "↔" };
let weighing = 0, weighed = "", thrownFor = 0;

// A refusal is told where the tools are; what was asked for later answers first.
async function ask(name, told = "") {
  let found;
  try {
    found = await server[name](told);
  } catch (error) {
    found = null;
  }
  found ??= { error: say("failed") };
  if (found.error) speak(found.error, true);
  return found;
}

function speak(words, bad = false) {
  const line = find(".blend-told");
  line.textContent = words;
  line.hidden = !words;
  line.classList.toggle("bad", bad);
}

// Asked for once the hand rests, and only when something that counts has changed.
function weigh() {
  const worn = Object.keys(state).filter((name) => heard(name));
  const key = JSON.stringify(worn.map((name) => [name, entryOf(name).strength, scaleOf(name), entryOf(name).dials]));
  if (key === weighed) return;
  weighed = key;
  clearTimeout(weighing);
  if (worn.length < 2) {
    find(".meter").hidden = true;
    return;
  }
  weighing = setTimeout(async () => {
    const found = await ask("weigh", written());
    if (key === weighed) showMeter(found);
  }, WEIGH_MS);
}

function forgetNumbers() {
  weighed = "";
  forgetMap();
  if (find(".tool-directions").getAttribute("aria-pressed") === "true") showDirections();
}

function showMeter(found) {
  const meter = find(".meter");
  meter.hidden = !found.words;
  if (!found.words) return;
  const track = find(".meter-track");
  track.setAttribute("aria-valuenow", found.balance);
  track.setAttribute("aria-valuetext", found.words);
  paintBar(track, found.balance);
  find(".meter-words").textContent = found.words;
  find(".meter-kept").textContent = found.kept;
  find(".meter-lists").replaceChildren(bars(say("shares"), found.shares, false), bars(say("parts"), found.parts, true));
}

// From the middle to the left against each other, to the right alike.
function paintBar(track, value) {
  track.style.setProperty("--from", `${50 + Math.min(0, value) * 50}%`);
  track.style.setProperty("--to", `${50 + Math.max(0, value) * 50}%`);
  track.classList.toggle("calm", Math.abs(value) < CALM);
  track.classList.toggle("against", value < 0);
}

function bars(heading, told, signed) {
  const box = make("div", "meter-list"), words = make("h3", "");
  words.textContent = heading;
  box.append(words);
  for (const [name, value] of told) {
    const line = make("div", "meter-line"), [label, track, figure] = [make("span", ""), make("span", "meter-track small"), make("span", "")];
    label.textContent = name;
    track.append(make("i", ""));
    figure.textContent = signed ? value.toFixed(2) : `${Math.round(value * 100)} %`;
    if (signed) paintBar(track, value);
    else {
      track.style.setProperty("--from", "0%");
      track.style.setProperty("--to", `${Math.max(0, Math.min(1, value)) * 100}%`);
    }
    line.append(label, track, figure);
    box.append(line);
  }
  box.hidden = told.length === 0;
  return box;
}

async function balance() {
  const found = await ask("balance", written());
  if (found.error) return;
  for (const [name, strength] of Object.entries(found.strengths)) state[name] = { ...entryOf(name), strength };
  publish();
  speak(found.told);
}

// A new style by chance takes the place of the last one; what is locked stays.
async function throwDice(kind) {
  const typed = find(".tool-seed").value.trim(), seed = /^\d+$/.test(typed) ? Number(typed) : Math.floor(Math.random() * 100000);
  const turn = ++thrownFor, found = await ask("derive", `${kind} ${seed}`);
  if (found.error || turn !== thrownFor) return;
  for (const name of Object.keys(state)) if (/^(dice|remix) /.test(name) && !state[name].lock) drop(name);
  addDerived(found.name, found.words);
  wear({ [found.name]: 1 });
  arrange();
  speak(`${found.name}: ${found.words}`);
}

// A derived style of a saved blend: its row comes with its words.
async function derive(name) {
  addDerived(name, "");
  const found = await ask("derive", name), parts = rows.get(name);
  if (found.error) {
    forget(name);
  } else if (parts) {
    parts.item.querySelector("small").textContent = found.words;
  }
}

function addDerived(name, words) {
  const kind = name.split(" ")[0], thrown = kind !== "direction";
  if (rows.has(name)) return;
  styleByName.set(name, { name, words, derived: true, thrown, sign: SIGNS[kind], usual: thrown ? 1 : 0 });
  addRow(styleByName.get(name));
}

function drop(name) {
  rows.get(name)?.item.remove();
  rows.delete(name);
  styleByName.delete(name);
  delete state[name];
}

function forget(name) {
  drop(name);
  publish();
}

async function showDirections() {
  const press = find(".tool-directions"), found = await ask("lines");
  if (found.error) return;
  for (const { name, words } of found.lines) {
    addDerived(name, words);
    rows.get(name).item.querySelector("small").textContent = words;
  }
  press.setAttribute("aria-pressed", "true");
  arrange();
  show();
  rows.get(found.lines[0]?.name)?.item.scrollIntoView({ block: "nearest" });
}

function hideDirections() {
  find(".tool-directions").setAttribute("aria-pressed", "false");
  for (const name of [...rows.keys()].filter((one) => one.startsWith("direction ") && DERIVED.test(one))) drop(name);
  publish();
}

// The new style comes with the next refresh; its entry waits under the new name.
async function keep(name, chosen) {
  const found = await ask("keep", { name, chosen });
  if (found.error) return;
  const entry = entryOf(name);
  drop(name);
  state[found.name] = entry;
  props.value = written();
  speak(found.told);
  trigger("kept");
}

find(".tool-balance").addEventListener("click", balance);
find(".tool-dice").addEventListener("click", () => throwDice("dice"));
find(".tool-remix").addEventListener("click", () => throwDice("remix"));
find(".tool-directions").addEventListener("click", (event) => (event.currentTarget.getAttribute("aria-pressed") === "true" ? hideDirections() : showDirections()));
