// A style's dials: factors on parts of the model, and a curve over the steps. `ui.dials` reads what they write.
const DIALS = ["unet", "text_encoder", "text_encoder_2", "composition", "content", "style", "detail"];
const CURVES = ["constant", "fade in", "fade out", "points"];
const CURVE_POINTS = { constant: [[0, 1]], "fade in": [[0, 0], [1, 1]], "fade out": [[0, 1], [1, 0]] };
const DIAL_LIMIT = 2;

// What is safe to keep of dials that came from elsewhere; those at 1 are left out.
function cleanDials(dials) {
  const kept = {};
  for (const key of DIALS) {
    const factor = Number(dials?.[key] ?? 1);
    if (Number.isFinite(factor) && factor !== 1) kept[key] = Math.max(0, Math.min(DIAL_LIMIT, factor));
  }
  if (typeof dials?.curve === "string" && dials.curve !== "constant") kept.curve = dials.curve;
  return kept;
}

function curvePoints(words) {
  if (CURVE_POINTS[words]) return CURVE_POINTS[words];
  const points = words.split(",").map((point) => point.trim().match(/^([\d.]+)\s*:\s*(-?[\d.]+)$/)?.slice(1).map(Number));
  const good = points.every((point, index) => point && point[0] <= 1 && (index === 0 || point[0] > points[index - 1][0]));
  return good ? points : null;
}

// The fold-out below a style. `change` is called with all of its dials when one is let go.
function dialPanel(name, change) {
  const panel = make("div", "dials", { role: "group", "aria-label": say("dials", name) });
  const parts = {};
  let current = {};
  const commit = (next) => change(cleanDials({ ...current, ...next }));
  for (const key of DIALS) {
    const label = say(`dial_${key}`);
    const line = make("div", "dial"), bounds = { min: 0, max: DIAL_LIMIT, step: 0.05 };
    const words = make("span", ""), range = make("input", "style-range", { type: "range", "aria-label": say("dial", name, label), ...bounds });
    const number = make("input", "style-number", { type: "number", "aria-label": say("dial_number", name, label), ...bounds });
    words.textContent = label;
    line.append(words, range, number);
    panel.append(line);
    parts[key] = { line, range, number };
    range.addEventListener("input", () => paintDial(parts[key], Number(range.value)));
    range.addEventListener("change", () => commit({ [key]: Number(range.value) }));
    range.addEventListener("dblclick", () => commit({ [key]: 1 }));
    number.addEventListener("change", () => commit({ [key]: number.value === "" ? 1 : number.valueAsNumber }));
  }
  const over = make("div", "curve-line"), words = make("span", "");
  const choice = make("select", "", { "aria-label": say("curve_of", name) });
  for (const curve of CURVES) choice.append(new Option(say(`curve_${curve}`), curve));
  const seen = make("div", "curve", { "aria-hidden": "true" });
  words.textContent = say("curve");
  over.append(words, choice, seen);
  const below = make("div", "curve-line");
  const points = make("input", "curve-points", {
    type: "text", "aria-label": say("curve_points_of", name), placeholder: "0:1, 0.6:0.2", autocomplete: "off",
    title: say("curve_points_title"),
  });
  const reset = make("button", "dial-reset", { type: "button", "aria-label": say("reset_of", name) });
  reset.textContent = say("reset");
  below.append(make("span", ""), points, reset);
  panel.append(over, below);
  choice.addEventListener("change", () => commit({ curve: choice.value === "points" ? "0:1, 1:0.5" : choice.value }));
  points.addEventListener("change", () => commit({ curve: points.value.trim() || "constant" }));
  reset.addEventListener("click", () => change({}));

  function show(dials) {
    current = dials;
    for (const key of DIALS) paintDial(parts[key], dials[key] ?? 1);
    const curve = dials.curve ?? "constant", found = curvePoints(curve);
    choice.value = CURVE_POINTS[curve] ? curve : "points";
    points.style.visibility = choice.value === "points" ? "" : "hidden";
    points.value = curve;
    points.setAttribute("aria-invalid", String(!found));
    seen.style.setProperty("clip-path", outline(found ?? [[0, 0]]));
    reset.disabled = Object.keys(dials).length === 0;
  }
  return { panel, show };
}

function paintDial({ line, range, number }, factor) {
  line.style.setProperty("--low", "0%");
  line.style.setProperty("--high", `${(factor / DIAL_LIMIT) * 100}%`);
  range.value = factor;
  number.value = factor.toFixed(2);
}

// The area under the curve, as high as its largest factor, at least 1.
function outline(points) {
  const most = Math.max(1, ...points.map(([, factor]) => factor));
  const ends = [[0, points[0][1]], ...points, [1, points.at(-1)[1]]];
  const top = ends.map(([progress, factor]) => `${progress * 100}% ${100 - (Math.max(0, factor) / most) * 100}%`);
  return `polygon(0% 100%, ${top.join(", ")}, 100% 100%)`;
}
