// The map of styles: a place blends its neighbours, a style soloes itself.
const EDGE = 1.18, DOT = 0.085, NUDGE = 0.05;
const mapBox = find(".map");
let chartPoints = null, cross = { x: 0, y: 0 }, places = new Map(), crossNode = null, linesNode = null;

function forgetMap() {
  chartPoints = null;
  if (!mapBox.hidden) openMap();
}

async function openMap() {
  const found = await ask("chart");
  if (found.error) return;
  chartPoints = found.points;
  const view = draw("svg", { viewBox: `${-EDGE} ${-EDGE} ${2 * EDGE} ${2 * EDGE}`, role: "application", tabindex: 0, "aria-label": say("map_label") });
  const shape = draw("clipPath", { id: "map-dot", clipPathUnits: "objectBoundingBox" });
  shape.append(draw("circle", { cx: 0.5, cy: 0.5, r: 0.5 }));
  linesNode = draw("g", { class: "map-lines" });
  crossNode = draw("path", { class: "map-cross", d: "M-.05 0H.05M0 -.05V.05" });
  places = new Map(Object.entries(chartPoints).map(([name, at]) => [name, place(name, at)]));
  view.append(shape, linesNode, ...[...places.values()].map(({ node }) => node), crossNode);
  view.addEventListener("click", (event) => clicked(event, view));
  view.addEventListener("keydown", steered);
  const hint = make("p", "map-hint"), near = make("p", "map-near", { "aria-live": "polite" });
  hint.textContent = say("map_hint", found.share);
  mapBox.replaceChildren(view, near, hint);
  moveCross(cross);
  showPlaces();
}

// Up is up: the drawing's y runs down.
function place(name, [x, y]) {
  const node = draw("g", { class: "map-style", transform: `translate(${x} ${-y})`, "data-name": name }), told = draw("title");
  const style = styleOf(name), size = { x: -DOT, y: -DOT, width: 2 * DOT, height: 2 * DOT };
  told.textContent = name;
  node.append(told, draw("circle", { class: "map-ring", r: DOT + 0.012 }));
  if (style?.thumbnail) {
    node.append(draw("image", { href: style.thumbnail, ...size, preserveAspectRatio: "xMidYMid slice", "clip-path": "url(#map-dot)" }));
  } else {
    const letter = draw("text", { class: "map-letter", "text-anchor": "middle", dy: "0.035" });
    letter.textContent = name.slice(0, 1).toUpperCase();
    node.append(letter);
  }
  const label = draw("text", { class: "map-name", "text-anchor": "middle", y: DOT + 0.075 });
  label.textContent = name;
  node.append(label);
  return { node, x, y };
}

// Which styles are on is seen on the map as well.
function showPlaces() {
  if (mapBox.hidden || !chartPoints) return;
  const alone = soloed();
  for (const [name, { node }] of places) node.classList.toggle("on", heard(name, alone));
}

function clicked(event, view) {
  const name = event.target.closest(".map-style")?.dataset.name;
  if (name) {
    moveCross(places.get(name));
    solo(name);
    return;
  }
  const at = new DOMPoint(event.clientX, event.clientY).matrixTransform(view.getScreenCTM().inverse());
  moveCross({ x: at.x, y: -at.y });
  blendHere();
}

function moveCross({ x, y }) {
  const inside = (value) => Math.max(-EDGE, Math.min(EDGE, value));
  cross = { x: inside(x), y: inside(y) };
  crossNode.setAttribute("transform", `translate(${cross.x} ${-cross.y})`);
  const near = nearest(() => true);
  mapBox.querySelector(".map-near").textContent = near ? say("map_near", near) : "";
}

function nearest(allowed) {
  const far = ({ x, y }) => (x - cross.x) ** 2 + (y - cross.y) ** 2;
  const found = [...places].filter(([, at]) => allowed(at)).sort(([, one], [, other]) => far(one) - far(other));
  return found[0]?.[0];
}

async function blendHere() {
  const found = await ask("near", cross);
  if (found.error) return;
  linesNode.replaceChildren(...Object.entries(found.strengths).map(([name, strength]) => {
    const { x, y } = places.get(name);
    return draw("line", { x1: cross.x, y1: -cross.y, x2: x, y2: -y, "stroke-width": 0.006 + 0.03 * strength });
  }));
  wear(found.strengths);
}

const STEER = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };

function steered(event) {
  const way = STEER[event.key];
  if (way && event.shiftKey) {
    const next = nearest(({ x, y }) => (x - cross.x) * way[0] + (y - cross.y) * way[1] > 1e-6);
    if (next) moveCross(places.get(next));
  } else if (way) moveCross({ x: cross.x + NUDGE * way[0], y: cross.y + NUDGE * way[1] });
  else if (event.key === "Enter") blendHere();
  else if (event.key.toLowerCase() === "s") solo(nearest(() => true));
  else return;
  event.preventDefault();
}

find(".tool-map").addEventListener("click", () => {
  mapBox.hidden = !mapBox.hidden;
  find(".tool-map").setAttribute("aria-expanded", String(!mapBox.hidden));
  if (!mapBox.hidden) openMap();
});
