// Finding, choosing and deleting pictures. `ui.gallery` does what is triggered: 'again', 'send', 'start', 'teach'.
const search = find(".gallery-search"), style = find(".gallery-style"), several = find(".gallery-several"), box = find(".gallery-news");
const LOOK_MS = 4000;
const bin = find(".gallery-trash");
let stamp = "", trash = { told: "", last: "" }, anchor = -1, latest = 0;

function news(text, undo = false, asked = false) {
  box.hidden = !text;
  box.firstElementChild.textContent = text;
  find(".gallery-undo").hidden = !undo;
  for (const name of [".gallery-for-good", ".gallery-keep"]) find(name).hidden = !asked;
}

const counted = (count) => (count === 1 ? words.picture : words.pictures.replace("{0}", count));

function status() {
  find(".gallery-count").textContent = chosen.size ? words.chosen.replace("{0}", chosen.size) : counted(keys.length);
  find(".gallery-chosen").hidden = chosen.size === 0;
  find(".gallery-compare").disabled = chosen.size !== 2;
}

function offer(styles) {
  const before = style.value;
  style.replaceChildren(new Option(words.any_style, ""), ...styles.map(([name, count]) => new Option(`${name} (${count})`, name)));
  style.value = styles.some(([name]) => name === before) ? before : "";
}

async function renew() {
  const turn = latest += 1;
  const answer = await server.listing({ search: search.value, style: style.value }).catch(() => null);
  if (turn !== latest) return;
  if (!answer) return news(words.lost);
  const key = keys[current];
  keys = answer.keys;
  stamp = answer.stamp;
  trash = answer.trash;
  bin.hidden = !trash.told;
  bin.textContent = words.trash.replace("{0}", trash.told);
  offer(answer.styles);
  for (const one of [...chosen]) if (!keys.includes(one)) chosen.delete(one);
  current = key === undefined ? -1 : keys.indexOf(key);
  if (current < 0 && !view.hidden && !view.classList.contains("two")) close();
  const sought = search.value.trim() || style.value;
  body.hidden = keys.length === 0;
  find(".gallery-empty").hidden = keys.length > 0;
  find(".gallery-empty h3").textContent = sought ? words.nothing : words.empty_title;
  find(".gallery-empty p").textContent = sought ? "" : words.empty;
  status();
  measure();
  paint();
}

async function go(index) {
  if (!keys.length) return;
  current = Math.max(0, Math.min(keys.length - 1, index));
  reveal(current);
  paint();
  await open([keys[current]]);
}

function choose(key, on = !chosen.has(key)) {
  if (on) chosen.add(key);
  else chosen.delete(key);
  status();
  paint();
}

async function discard(gone) {
  if (!gone.length) return;
  const at = current, wide = body.classList.contains("wide"), answer = await server.discard(gone).catch(() => ({ error: words.lost }));
  if (answer.error) return news(answer.error);
  chosen.clear();
  current = -1;
  await renew();
  if (keys.length && at >= 0) { await go(Math.min(at, keys.length - 1)); body.classList.toggle("wide", wide); }
  else close();
  news(words.deleted.replace("{0}", counted(gone.length)), true);
}

find(".gallery-undo").addEventListener("click", async () => {
  const answer = await server.undo(null).catch(() => ({ error: words.lost }));
  if (answer.error) return news(answer.error);
  await renew();
  news(words.brought_back.replace("{0}", counted(answer.found.length)));
  if (answer.found.length) await go(keys.indexOf(answer.found[0]));
});

bin.addEventListener("click", () => { news(words.empty_trash.replace("{0}", trash.told), false, true); find(".gallery-keep").focus(); });
find(".gallery-keep").addEventListener("click", () => { news(""); bin.focus(); });
find(".gallery-for-good").addEventListener("click", async () => {
  const answer = await server.empty(trash.last).catch(() => ({ error: words.lost }));
  if (answer.error) return news(answer.error);
  await renew();
  news(words.emptied.replace("{0}", counted(answer.found)));
});

grid.addEventListener("click", (event) => {
  const tile = event.target.closest(".gallery-tile");
  if (!tile) return;
  const index = keys.indexOf(tile.dataset.key);
  if (event.shiftKey && anchor >= 0) keys.slice(Math.min(anchor, index), Math.max(anchor, index) + 1).forEach((key) => choose(key, true));
  else if (event.ctrlKey || event.metaKey || several.getAttribute("aria-pressed") === "true") { choose(tile.dataset.key); anchor = index; }
  else { anchor = index; go(index); if (innerWidth <= 760) enlarge(true); }
});
grid.addEventListener("dblclick", () => { if (current >= 0) enlarge(true); });

element.addEventListener("keydown", (event) => {
  if (event.target.matches("input, select, textarea")) return;
  const wide = body.classList.contains("wide"), down = wide ? 1 : columns;
  const moves = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -down, ArrowDown: down, PageUp: -down * 3, PageDown: down * 3 };
  const inGrid = event.target === grid || wide;
  if (inGrid && event.key in moves) go(current < 0 ? 0 : current + moves[event.key]);
  else if (inGrid && event.key === "Home") go(0);
  else if (inGrid && event.key === "End") go(keys.length - 1);
  else if (event.target === grid && event.key === "Enter" && current >= 0) enlarge(true);
  else if (event.target === grid && event.key === " " && current >= 0) choose(keys[current]);
  else if (event.key === "Delete") discard(chosen.size ? [...chosen] : current >= 0 ? [keys[current]] : []);
  else if (event.key === "Escape" && wide) enlarge(false);
  else return;
  event.preventDefault();
});

let waiting = 0;
search.addEventListener("input", () => { clearTimeout(waiting); waiting = setTimeout(renew, 200); });
style.addEventListener("change", renew);
several.addEventListener("click", () => several.setAttribute("aria-pressed", String(several.getAttribute("aria-pressed") !== "true")));
find(".gallery-clear").addEventListener("click", () => { chosen.clear(); status(); paint(); });
find(".gallery-compare").addEventListener("click", () => { const pair = keys.filter((key) => chosen.has(key)); open(pair); if (innerWidth <= 760) enlarge(true); });
find(".gallery-discard").addEventListener("click", () => discard([...chosen]));
find(".gallery-delete").addEventListener("click", () => discard(seen.map((one) => one.key)));
watch("stamp", renew);
setInterval(async () => {
  if (!element.offsetParent || document.hidden) return;
  const answer = await server.stamp_now(null).catch(() => null);
  if (answer && answer.stamp !== stamp) renew();
}, LOOK_MS);
