// Only the rows in sight, and a few beside them, are in the page: ten thousand LoRAs cost what fifty do.
const ROW = 268, LEAST = 148, GAP = 12, BESIDE = 2;
const scroller = find(".lib-scroll"), space = find(".lib-space"), stage = find(".lib-cards");
let active = 0, columns = 1, drawn = "";

function layOut() {
  columns = Math.max(1, Math.floor((space.clientWidth + GAP) / (LEAST + GAP)));
  space.style.height = `${Math.ceil(shown.length / columns) * ROW}px`;
  stage.style.setProperty("--columns", columns);
  draw(true);
}

function draw(anew = false) {
  const first = Math.max(0, Math.floor(scroller.scrollTop / ROW) - BESIDE);
  const last = Math.ceil((scroller.scrollTop + scroller.clientHeight) / ROW) + BESIDE;
  const span = `${first} ${last} ${columns}`;
  if (!anew && span === drawn) return;
  drawn = span;
  const focused = stage.contains(document.activeElement);
  stage.style.transform = `translateY(${first * ROW}px)`;
  const part = shown.slice(first * columns, last * columns);
  stage.replaceChildren(...part.map((card, index) => cardNode(card, first * columns + index, shown.length)));
  if (focused) focusActive();
}

const openButton = (name) => stage.querySelector(`[data-name="${CSS.escape(name)}"] .lib-open`);

function focusActive() {
  openButton(shown[active]?.name ?? "")?.focus({ preventScroll: true });
}

function goTo(place) {
  active = Math.max(0, Math.min(shown.length - 1, place));
  const top = Math.floor(active / columns) * ROW;
  if (top < scroller.scrollTop) scroller.scrollTop = top;
  if (top + ROW > scroller.scrollTop + scroller.clientHeight) scroller.scrollTop = top + ROW - scroller.clientHeight;
  draw(true);
  focusActive();
}

stage.addEventListener("keydown", (event) => {
  const steps = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns, Home: -Infinity, End: Infinity };
  if (event.target.matches(".lib-open") && event.key in steps) {
    event.preventDefault();
    goTo(steps[event.key] === -Infinity ? 0 : steps[event.key] === Infinity ? shown.length - 1 : active + steps[event.key]);
  }
});
stage.addEventListener("focusin", (event) => {
  const place = shown.findIndex((card) => card.name === event.target.closest(".lib-card")?.dataset.name);
  if (place >= 0) active = place;
});
scroller.addEventListener("scroll", () => draw());
new ResizeObserver(layOut).observe(scroller);
