// The table owns its rows; names and captions are set as text, so nothing of a file's name is ever parsed.
const find = (selector) => element.querySelector(selector);
const list = find(".captioning-rows"), words = JSON.parse(find("[data-words]").dataset.words);
let rows = [];

function read() {
  try {
    const given = JSON.parse(props.value || "[]");
    return Array.isArray(given) ? given.filter((row) => row && typeof row.path === "string") : [];
  } catch (error) {
    return [];
  }
}

function make(kind, look, more = {}) {
  const node = document.createElement(kind);
  node.className = look;
  for (const [name, value] of Object.entries(more)) node.setAttribute(name, value);
  return node;
}

function row(picture) {
  const item = make("li", "captioning-row"), name = picture.name ?? picture.path;
  const image = String(picture.thumb ?? "").startsWith("gradio_api/file=")
    ? make("img", "captioning-thumb", { src: picture.thumb, alt: "", loading: "lazy", width: 56, height: 56 })
    : make("span", "captioning-thumb");
  const caption = make("textarea", "captioning-text", { rows: 1, "aria-label": `${words.caption} ${name}`, placeholder: words.template });
  caption.value = picture.text ?? "";
  const facts = make("small", "captioning-facts");
  const tell = () => { facts.textContent = [name, picture.facts, picture.origin].filter(Boolean).join(" · "); };
  const remove = make("button", "captioning-remove", { type: "button", "aria-label": `${words.remove} ${name}`, title: words.remove });
  remove.textContent = "✕";
  caption.addEventListener("change", () => {
    Object.assign(picture, { text: caption.value, origin: words.edited });
    tell();
    publish();
  });
  remove.addEventListener("click", () => {
    rows = rows.filter((other) => other !== picture);
    publish();
    show();
  });
  tell();
  item.append(image, caption, facts, remove);
  return item;
}

function publish() {
  props.value = JSON.stringify(rows);
}

function show() {
  find("h3").textContent = rows.length ? `${words.heading} (${rows.length})` : "";
  find(".captioning").hidden = rows.length === 0;
  list.replaceChildren(...rows.map(row));
}

find(".captioning-clear").textContent = words.clear;
find(".captioning-clear").addEventListener("click", () => { rows = []; publish(); show(); });
watch("value", () => {
  if (JSON.stringify(rows) === props.value) return;
  rows = read();
  show();
});
rows = read();
show();
