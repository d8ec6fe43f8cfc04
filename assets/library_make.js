// Nodes are made, never parsed: a name or a note is text wherever it goes.
const words = props.words;
let cards = [], byName = new Map(), shown = [], chosen = null;
let groups = [], near = [], twins = new Set();
const find = (selector) => element.querySelector(selector);

function make(tag, className, attributes = {}, ...children) {
  const node = document.createElement(tag);
  if (className) node.className = className;
  for (const [name, value] of Object.entries(attributes)) if (value !== false && value != null) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

const fill = (template, values) => template.replace(/\{(\w+)\}/g, (_, name) => values[name]);
const button = (className, words, attributes = {}) => make("button", className, { type: "button", ...attributes }, words);

const say = (line, bad = false) => {
  const status = find(".lib-status");
  status.textContent = line;
  status.classList.toggle("bad", bad);
};

async function ask(name, value) {
  try {
    const answer = await server[name](value);
    if (answer?.error) say(answer.error, true);
    return answer?.error ? null : answer;
  } catch (error) {
    say(String(error.message ?? error), true);
    return null;
  }
}
