// A rig drawn to scale: from the camera, with a button per light, and from the side.
import { drawn, elevation, type Places, type Vector } from "./places";

const SVG = "http://www.w3.org/2000/svg";
const CARD = { width: 63, height: 88 };
type Values = Record<string, string | number>;

function node<K extends keyof SVGElementTagNameMap>(tag: K, values: Values, ...children: (Node | string)[]): SVGElementTagNameMap[K] {
  const element = document.createElementNS(SVG, tag);
  for (const [key, value] of Object.entries(values)) element.setAttribute(key, String(value));
  element.append(...children);
  return element;
}

const round = (value: number): string => (Math.round(10 * value) / 10 + 0).toFixed(1);  // no "-0.0"

/** The lights as the camera sees them. With `press`, each is a button; `told` are rings where they were thought to be,
    `errors` standard errors in mm. */
export function topView(places: Places, press?: (light: string) => void, told?: Places, errors?: (Vector | null)[]): SVGSVGElement {
  const { at, true_mm } = drawn(places);
  const reach = Math.max(CARD.height / 2, ...at.map(([x, y]) => Math.max(Math.abs(x), Math.abs(y))));
  const half = 1.18 * reach, size = reach / 9;
  const svg = node("svg", { viewBox: `${round(-half)} ${round(-half)} ${round(2 * half)} ${round(2 * half)}`, class: "rg-svg", role: press ? "group" : "img", "aria-label": "The lights from the camera" });
  svg.append(node("rect", { class: "rg-card", x: -CARD.width / 2, y: -CARD.height / 2, width: CARD.width, height: CARD.height, rx: 3 }));
  svg.append(node("path", { class: "rg-axis", d: `M0 ${round(-CARD.height / 2 + 6)}v-4M-2.5 ${round(-CARD.height / 2 + 4.5)}l2.5 -3l2.5 3` }));
  if (places.kind === "ring" || places.kind === "named") {
    svg.append(node("circle", { class: true_mm ? "rg-ring" : "rg-ring unknown", cx: 0, cy: 0, r: round(Math.hypot(at[0]?.[0] ?? 0, at[0]?.[1] ?? 0)) }));
  }
  const before = told ? drawn(told) : null;
  if (before && before.true_mm === true_mm) for (const [x, y] of before.at) svg.append(node("circle", { class: "rg-told", cx: round(x), cy: round(-y), r: round(size) }));
  errors?.forEach((se, index) => { const [x, y] = at[index] ?? [0, 0]; if (se) svg.append(node("ellipse", { class: "rg-error", cx: round(x), cy: round(-y), rx: round(size + 2 * se[0]), ry: round(size + 2 * se[1]) })); });
  at.forEach((place, index) => svg.append(light(place, String(index + 1), size, press)));
  if (true_mm) svg.append(...bar(half));
  return svg;
}

function light([x, y]: Vector, name: string, size: number, press?: (light: string) => void): SVGGElement {
  const group = node("g", { class: "rg-light", "data-name": name, transform: `translate(${round(x)} ${round(-y)})` },
    node("circle", { r: round(size) }), node("text", { "font-size": round(size * 1.05), "text-anchor": "middle", dy: "0.36em" }, name));
  if (!press) return group;
  for (const [key, value] of Object.entries({ role: "button", tabindex: "0", "aria-label": `Light ${name}`, "aria-pressed": "false" })) group.setAttribute(key, value);
  group.addEventListener("click", () => press(name));
  group.addEventListener("keydown", (event) => {
    if (event.key === "Enter" || event.key === " ") { event.preventDefault(); press(name); }
  });
  return group;
}

function bar(half: number): SVGElement[] {
  const length = [10, 20, 50, 100, 200, 500, 1000, 2000].filter((each) => each <= half * 0.7).at(-1) ?? 10;
  const x = -half * 0.95, y = half * 0.95;
  return [node("path", { class: "rg-bar", d: `M${round(x)} ${round(y)}h${length}M${round(x)} ${round(y - half * 0.02)}v${round(half * 0.04)}M${round(x + length)} ${round(y - half * 0.02)}v${round(half * 0.04)}` }),
    node("text", { class: "rg-label", x: round(x), y: round(y - half * 0.035), "font-size": round(half * 0.07) }, `${length}\u2009mm`)];
}

/** The lights from the card's bottom edge, looking along it: x to the right, height upwards. */
export function sideView(places: Places): SVGSVGElement {
  const { at } = drawn(places);
  const wide = 1.15 * Math.max(CARD.width / 2, ...at.map(([x]) => Math.abs(x)));
  const high = Math.max(20, ...at.map((place) => place[2])), size = wide / 22;
  const below = high * 0.1 + size * 2;
  const svg = node("svg", { viewBox: `${round(-wide)} ${round(-high - size * 2)} ${round(2 * wide)} ${round(high + size * 2 + below)}`, class: "rg-svg", role: "img", "aria-label": sideWords(places) });
  svg.append(node("path", { class: "rg-axis", d: `M${round(-wide)} 0h${round(2 * wide)}` }), node("rect", { class: "rg-card", x: -CARD.width / 2, y: -1.2, width: CARD.width, height: 1.2 }));
  const edge = [...at].sort((one, two) => two[0] - one[0])[0];
  if (edge) {
    const [x, , z] = edge, arc = 0.3 * Math.hypot(x, z), angle = Math.atan2(z, x);
    svg.append(node("path", { class: "rg-ray", d: `M0 0L${round(x)} ${round(-z)}` }), node("path", { class: "rg-bar", d: `M${round(arc)} 0A${round(arc)} ${round(arc)} 0 0 0 ${round(arc * Math.cos(angle))} ${round(-arc * Math.sin(angle))}` }));
  }
  at.forEach(([x, , z], index) => svg.append(node("circle", { class: "rg-dot", "data-name": String(index + 1), cx: round(x), cy: round(-z), r: round(size) })));
  return svg;
}

export function sideWords(places: Places): string {
  const angles = drawn(places).at.map(elevation);
  const low = Math.min(...angles), high = Math.max(...angles);
  const said = high - low < 0.15 ? `${low.toFixed(1)}°` : `${low.toFixed(1)}° to ${high.toFixed(1)}°`;
  return `From the side: elevation ${said}${places.kind === "named" ? ", assumed" : ""}.`;
}

/** Marks the light that is on. */
export function mark(root: ParentNode, on: string | null): void {
  for (const each of root.querySelectorAll<SVGElement>("[data-name]")) {
    const lit = on === "all" || on === each.dataset["name"];
    each.classList.toggle("lit", lit);
    if (each.hasAttribute("aria-pressed")) each.setAttribute("aria-pressed", String(lit));
  }
}
