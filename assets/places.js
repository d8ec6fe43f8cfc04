// The folders in place: where they are, what was passed over in them, and a way to stop using each.
const words = props.words, list = element.querySelector("ul");

function add(parent, tag, text, className) {
  const node = document.createElement(tag);
  node.textContent = text;
  if (className) node.className = className;
  parent.append(node);
  return node;
}

function leaveButton(folder) {
  const leave = document.createElement("button");
  leave.type = "button";
  leave.textContent = words.leaveShort;
  leave.setAttribute("aria-label", words.leave.replace("{folder}", folder.root));
  leave.addEventListener("click", () => trigger("leave", { root: folder.root }));
  return leave;
}

function row(folder) {
  const item = document.createElement("li"), told = add(item, "div", "");
  add(told, "code", folder.root);
  told.append(document.createElement("br"));
  add(told, "small", folder.told);
  item.append(leaveButton(folder));
  if (folder.troubles.length) {
    const more = add(item, "details", "");
    add(more, "summary", words.troubles.replace("{count}", folder.troubles.length));
    const lines = add(more, "ul", "");
    for (const line of folder.troubles) add(lines, "li", line);
  }
  return item;
}

function show() {
  const folders = props.folders ?? [];
  element.querySelector(".places").hidden = folders.length === 0;
  list.replaceChildren(...folders.map(row));
}

element.querySelector("h3").textContent = words.heading;
const again = element.querySelector(".places-again");
again.textContent = words.rescan;
again.addEventListener("click", () => trigger("rescan"));
watch("folders", show);
show();
