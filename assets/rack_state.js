// What the rack knows: an entry for each style that was touched, the other of the two blends, how it is shown.
const LIMIT = 2, DERIVED = /^(dice|remix|direction) \d+$/;
let state = {}, whole = {}, scales = null;

const clamp = (number) => Math.max(-LIMIT, Math.min(LIMIT, Number.isFinite(number) ? number : 1));
const styleOf = (name) => styleByName.get(name);
const usualOf = (name) => clamp(styleOf(name)?.usual ?? 1);
const entryOf = (name) => state[name] ?? { on: false, strength: usualOf(name), solo: false, mute: false, lock: false, dials: {} };
const scaleOf = (name) => (whole.even ? scales?.[name] ?? 1 : 1);
const soloed = () => Object.keys(state).find((name) => state[name].solo);
const heard = (name, alone = soloed()) => (alone ? alone === name : entryOf(name).on && !entryOf(name).mute);
const styleByName = new Map();

function cleanEntries(saved) {
  return Object.fromEntries(Object.entries(saved ?? {})
    .filter(([name, entry]) => name && (styleByName.has(name) || DERIVED.test(name)) && entry && typeof entry === "object")
    .map(([name, entry]) => [name, {
      on: entry.on !== false, strength: clamp(Number(entry.strength ?? usualOf(name))), solo: Boolean(entry.solo),
      mute: Boolean(entry.mute), lock: Boolean(entry.lock), dials: cleanDials(entry.dials),
    }]));
}

// A value without the rack's own part came from elsewhere, such as a recalled picture: its strengths are meant as they are.
function read() {
  let saved = {};
  try { saved = JSON.parse(props.value || "{}"); } catch (error) { saved = {}; }
  const own = saved[""];
  whole = own && typeof own === "object" ? own : { ...whole, even: false };
  if (whole.other) whole.other = cleanEntries(whole.other);
  state = cleanEntries(saved);
}

function written() {
  const scaled = (entries) => Object.fromEntries(Object.entries(entries).map(([name, entry]) =>
    [name, whole.even ? { ...entry, scale: scaleOf(name) } : entry]));
  const own = Object.fromEntries(Object.entries(whole).filter(([, told]) => told));
  if (own.other) own.other = scaled(own.other);
  return JSON.stringify({ ...scaled(state), ...(Object.keys(own).length ? { "": own } : {}) });
}

function commit(name, change) {
  state = { ...state, [name]: { ...entryOf(name), ...change } };
  publish();
}

// Everything but the locked styles is set at once; those left out go off.
function wear(strengths) {
  for (const name of Object.keys(state)) {
    if (!state[name].lock) state[name] = { ...state[name], on: name in strengths, solo: false, mute: false };
  }
  for (const [name, strength] of Object.entries(strengths)) {
    if (!entryOf(name).lock) state[name] = { ...entryOf(name), on: true, strength: clamp(strength) };
  }
  publish();
}

// The other blend comes up, this one steps back; the first time both are the same. Locked styles stay.
function flip(side) {
  if (side === (whole.side ?? "a")) return;
  const locked = Object.fromEntries(Object.entries(state).filter(([, entry]) => entry.lock));
  const coming = whole.other ?? state;
  whole = { ...whole, side, other: state };
  state = { ...Object.fromEntries(Object.entries(coming).filter(([, entry]) => !entry.lock)), ...locked };
  publish();
  arrange();
}

function tell(change) {
  whole = { ...whole, ...change };
  publish({ redraws: "even" in change });
}

function publish({ redraws = true } = {}) {
  props.value = written();
  show();
  if (redraws && find(".rack-live input").checked) trigger("redraw");
}

async function useScales() {
  if (!whole.even || scales) return;
  const found = await ask("even");
  if (found.scales) {
    scales = found.scales;
    publish();
  }
}
