const filter = element.querySelector(".library-filter");
function sift() {
  const wanted = filter.value.trim().toLowerCase();
  for (const row of element.querySelectorAll("tbody tr")) row.hidden = !row.textContent.toLowerCase().includes(wanted);
}
filter.addEventListener("input", sift);
watch("value", sift);
