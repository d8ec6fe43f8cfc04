// Words to press. The one that was pressed last is the value; whoever listens puts it where it belongs.
const box = element.querySelector(".word-chips");

function show() {
  box.setAttribute("aria-label", props.heading ?? "");
  box.title = props.heading ?? "";
  box.hidden = !props.words?.length;
  box.replaceChildren(...(props.words ?? []).map((word) => {
    const chip = document.createElement("button");
    chip.type = "button";
    chip.textContent = word;
    chip.addEventListener("click", () => {
      props.value = word;
      trigger("insert");
    });
    return chip;
  }));
}

watch("words", show);
show();
