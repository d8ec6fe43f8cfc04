// The grid of small pictures: only those in sight are in the page, and only those are asked for.
const find = (selector) => element.querySelector(selector);
const words = JSON.parse(find(".gallery").dataset.words);
const grid = find(".gallery-grid"), sheet = find(".gallery-sheet");
const GAP = 10, WISHED = 150, BATCH = 12;
const nodes = new Map(), known = new Map(), asked = new Set();
const chosen = new Set();
let keys = [], current = -1, columns = 1, side = WISHED;

function make(kind, look, more = {}) {
  const node = document.createElement(kind);
  node.className = look;
  for (const [name, value] of Object.entries(more)) node.setAttribute(name, value);
  return node;
}

function measure() {
  const width = sheet.clientWidth;
  if (!width) return;
  columns = Math.max(2, Math.floor((width + GAP) / (WISHED + GAP)));
  side = (width - GAP * (columns - 1)) / columns;
  sheet.style.height = `${Math.max(0, Math.ceil(keys.length / columns) * (side + GAP) - GAP)}px`;
}

function inSight() {
  const row = side + GAP, first = Math.max(0, Math.floor(grid.scrollTop / row) - 1);
  const last = Math.ceil((grid.scrollTop + grid.clientHeight) / row) + 1;
  return [first * columns, Math.min(keys.length, last * columns)];
}

function paint() {
  const [from, to] = inSight(), wanted = new Set(keys.slice(from, to));
  for (const [key, node] of nodes) {
    if (wanted.has(key)) continue;
    node.remove();
    nodes.delete(key);
  }
  for (let index = from; index < to; index += 1) place(keys[index], index);
  const missing = keys.slice(from, to).filter((key) => !known.has(key) && !asked.has(key));
  for (let start = 0; start < missing.length; start += BATCH) ask(missing.slice(start, start + BATCH));
  if (nodes.has(keys[current])) grid.setAttribute("aria-activedescendant", nodes.get(keys[current]).id);
  else grid.removeAttribute("aria-activedescendant");
}

function place(key, index) {
  let node = nodes.get(key);
  if (!node) {
    node = make("div", "gallery-tile", { role: "option" });
    node.dataset.key = key;
    node.append(make("img", "", { alt: "", draggable: "false" }));
    nodes.set(key, node);
    sheet.append(node);
  }
  const fact = known.get(key), image = node.firstChild;
  node.id = `gallery-${index}`;
  node.style.cssText = `width:${side}px;height:${side}px;transform:translate(${(index % columns) * (side + GAP)}px,${Math.floor(index / columns) * (side + GAP)}px)`;
  node.classList.toggle("current", index === current);
  node.setAttribute("aria-selected", String(chosen.size ? chosen.has(key) : index === current));
  node.classList.toggle("chosen", chosen.has(key));
  node.setAttribute("aria-posinset", index + 1);
  node.setAttribute("aria-setsize", keys.length);
  node.setAttribute("aria-label", fact?.title ?? key);
  node.title = fact?.title ?? "";
  node.classList.toggle("damaged", Boolean(fact && !fact.thumb));
  if (fact?.thumb && image.getAttribute("src") !== fact.thumb) image.src = fact.thumb;
}

async function ask(batch) {
  for (const key of batch) asked.add(key);
  const answer = await server.tiles(batch).catch(() => ({ tiles: [] }));
  for (const fact of answer.tiles) known.set(fact.key, fact);
  for (const key of batch) asked.delete(key);
  if (answer.tiles.length) paint();
}

// Bring one picture into sight.
function reveal(index) {
  const row = Math.floor(index / columns) * (side + GAP);
  if (row < grid.scrollTop) grid.scrollTop = row;
  else if (row + side > grid.scrollTop + grid.clientHeight) grid.scrollTop = row + side - grid.clientHeight;
}

grid.addEventListener("scroll", paint, { passive: true });
new ResizeObserver(() => { measure(); paint(); }).observe(grid);
