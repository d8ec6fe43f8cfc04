const KEY = "eigenlorax-studio-dark";
const wear = (dark) => document.body.classList.toggle("dark", dark);
const saved = localStorage.getItem(KEY);
if (saved !== null && !new URLSearchParams(location.search).has("__theme")) wear(saved === "true");
element.addEventListener("click", (event) => {
  if (!event.target.closest(".theme-switch")) return;
  const dark = !document.body.classList.contains("dark");
  wear(dark);
  localStorage.setItem(KEY, String(dark));
});
