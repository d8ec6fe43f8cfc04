// The versions of the subspace: a quiet line that goes back to the one before, and all of them.
const words = props.words, box = element.querySelector(".versions"), line = element.querySelector(".versions-before");
const list = element.querySelector("ul"), summary = element.querySelector("summary"), back = line.querySelector("button");

function make(tag, text, className) {
  const node = document.createElement(tag);
  node.textContent = text;
  if (className) node.className = className;
  return node;
}

function row(version) {
  const item = document.createElement("li"), told = document.createElement("div");
  told.append(make("b", version.when), make("small", version.told));
  item.append(told);
  if (version.open) {
    item.setAttribute("aria-current", "true");
    item.append(make("em", words.open));
    return item;
  }
  const use = make("button", words.use);
  use.type = "button";
  use.setAttribute("aria-label", words.useNamed.replace("{when}", version.when));
  use.addEventListener("click", () => trigger("use", { name: version.name, when: version.when }));
  item.append(use);
  return item;
}

function show() {
  const versions = props.versions ?? [];
  box.hidden = versions.length < 2;
  line.hidden = !props.before;
  line.querySelector("span").textContent = props.before?.told ?? "";
  summary.textContent = words.all.replace("{count}", versions.length);
  list.replaceChildren(...versions.map(row));
}

back.textContent = words.back;
back.addEventListener("click", () => {
  const name = props.before.name, when = props.versions.find((one) => one.name === name).when;
  trigger("use", { name, when });
});
element.querySelector(".versions-note").textContent = words.note;
watch("versions", show);
watch("before", show);
show();
