// A picture dropped here or on the prompt, or text pasted: what arrives is read on the server, `ui.recall`,
// which also says so when nothing does.
const find = (selector) => element.querySelector(selector);
const zone = find(".recall"), file = find(".recall-file"), paste = find(".recall-paste"), told = find(".recall-choose span");
const words = JSON.parse(zone.dataset.words);

function send(given) {
  busy(true);
  props.value = JSON.stringify({ ...given, at: Date.now() });
  trigger("recall");
}

function busy(on) {
  zone.classList.toggle("busy", on);
  told.textContent = on ? words.reading : words.drop;
}

async function take(picture) {
  busy(true);
  const arrived = await upload(picture).catch(() => ({}));
  send({ path: arrived?.path ?? "", name: picture.name || "picture" });
}

const carried = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");
function listen(place) {
  place.addEventListener("dragover", (event) => {
    if (!carried(event)) return;
    event.preventDefault();
    zone.classList.add("over");
  });
  place.addEventListener("dragleave", () => zone.classList.remove("over"));
  place.addEventListener("drop", (event) => {
    zone.classList.remove("over");
    if (!event.dataTransfer?.files.length) return;
    event.preventDefault();
    event.stopPropagation();
    take(event.dataTransfer.files[0]);
  });
}
listen(zone);
const prompt = document.querySelector("#prompt");
if (prompt) listen(prompt);

find(".recall-choose").addEventListener("click", () => file.click());
file.addEventListener("change", () => {
  if (file.files.length) take(file.files[0]);
  file.value = "";
});
paste.addEventListener("paste", (event) => {
  event.preventDefault();
  const picture = event.clipboardData.files[0];
  if (picture) take(picture);
  else send({ text: event.clipboardData.getData("text/plain") });
});
paste.addEventListener("keydown", (event) => {
  if (event.key !== "Enter") return;
  send({ text: paste.value });
  paste.value = "";
});
watch("value", () => { if (!props.value) busy(false); });
