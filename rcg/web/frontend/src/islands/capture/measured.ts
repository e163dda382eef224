// What was measured of a rig's lights, drawn and written out: the same shapes as rcg/capture/lights/calibration.py.
import { h } from "../../lib/dom";
import { elevation, type Places, type Vector } from "./places";
import { topView } from "./ring";

export interface LightsFound {
  what: "lights"; by: "ball" | "ring"; near: boolean; distance: string; before: number | null; after: number | null; remarks: string[];
  lights: { name: string; vector: Vector; se_deg: number | null; se_mm: Vector | null; intensity: number }[];
  figures: { name: string; unit: string; before: number; after: number; se: number; determined: boolean }[];
}
export interface FlatFound {
  what: "flat"; half_mm: [number, number]; log: number[][]; dust: number; texture: number; where: string; remarks: string[];
  lights: { name: string; level: number; unevenness: number; residual: number }[];
}
export type Found = LightsFound | FlatFound;
const THIN = "\u2009", ORDER = 4;
const percent = (value: number, digits = 1): string => `${(100 * value).toFixed(digits)}${THIN}%`;
const tenth = (value: number): string => (Math.round(10 * value) / 10 + 0).toFixed(1).replace("-", "\u2212");  // no "-0.0"
const figure = (text: string): HTMLElement => h("td", { class: "digits" }, text);
const head = (...names: string[]): HTMLElement => h("thead", {}, h("tr", {}, ...names.map((name) => h("th", { scope: "col" }, name))));

export function placesOf(found: LightsFound): Places {
  const vectors = found.lights.map((light) => light.vector);
  return found.near ? { kind: "positions", positions_mm: vectors } : { kind: "directions", directions: vectors };
}

/** Everything that a proposal says, to be looked at before it is kept. */
export function proposal(found: Found, told: Places, pictures: string[]): HTMLElement {
  const parts: (HTMLElement | null)[] = found.what === "flat" ? flatParts(found) : lightParts(found, told, pictures);
  const remarks = found.remarks.length ? h("ul", { class: "rg-notes small" }, ...found.remarks.map((text) => h("li", {}, text))) : null;
  return h("div", { class: "stack tight" }, ...parts, remarks);
}

function lightParts(found: LightsFound, told: Places, pictures: string[]): (HTMLElement | null)[] {
  const drawing = h("div", { class: "rg-top rc-drawing" }, topView(placesOf(found), undefined, told, found.lights.map((light) => light.se_mm)));
  const shots = pictures.map((sha, index) => h("img", { class: "rc-shot", src: `/api/blobs/${sha}`, alt: `The ball as it was found, place ${index + 1}: its outline and each light's mirror image` }));
  const misfit = found.before === null || found.after === null ? null
    : h("p", {}, "Misfit over the card ", h("span", { class: "figure" }, percent(found.before, 2)), " before, ", h("span", { class: "figure" }, percent(found.after, 2)), " after.");
  return [misfit, h("div", { class: "rc-seen" }, h("figure", {}, drawing, h("figcaption", { class: "small muted" }, "Measured lights; rings are where they were told to be.")), ...shots), figures(found), lightTable(found)];
}

function figures(found: LightsFound): HTMLElement | null {
  if (!found.figures.length || found.figures.length > 8) return null;
  const rows = found.figures.map((each) => h("tr", {}, h("td", {}, each.name), figure(`${tenth(each.before)}${THIN}${each.unit}`), figure(`${tenth(each.after)} ± ${each.se.toFixed(1)}${THIN}${each.unit}`),
    h("td", { class: each.determined ? "" : "muted" }, each.determined ? "determined" : "not determined by the card")));
  return h("div", { class: "table-wrap" }, h("table", { class: "table compact" }, head("", "Told", "Measured", ""), h("tbody", {}, ...rows)));
}

function lightTable(found: LightsFound): HTMLElement {
  const azimuth = ([x, y]: Vector): number => (Math.round((Math.atan2(x, y) * 1800) / Math.PI) / 10 + 360) % 360;
  const rows = found.lights.map((light) => {
    const [x, y, z] = light.vector, se = light.se_mm ? ` ± ${Math.max(...light.se_mm).toFixed(1)}` : "";
    const cells = [h("td", {}, light.name), figure(`${azimuth(light.vector).toFixed(1)}°`), figure(`${elevation(light.vector).toFixed(1)}°`), figure(light.se_deg === null ? "-" : `± ${light.se_deg.toFixed(2)}°`)];
    if (found.near) cells.push(figure(`${tenth(x)}, ${tenth(y)}, ${tenth(z)}${se}${THIN}mm`));
    if (found.by === "ring") cells.push(figure(light.intensity.toFixed(3)));
    return h("tr", {}, ...cells);
  });
  const names = ["Light", "Clockwise", "Elevation", "Error", ...(found.near ? ["Place, largest error"] : []), ...(found.by === "ring" ? ["Strength"] : [])];
  return h("div", { class: "table-wrap" }, h("table", { class: "table compact" }, head(...names), h("tbody", {}, ...rows)));
}

function flatParts(found: FlatFound): HTMLElement[] {
  const rows = found.lights.map((light) => h("tr", {}, h("td", {}, light.name), figure(light.level.toFixed(3)), figure(percent(light.unevenness, 0)), figure(percent(light.residual, 2))));
  return [
    fields(found),
    h("p", { class: "small muted" }, `Placed by ${found.where}; ${percent(found.dust)} of the card was left out as dust. Each picture runs from black, half as bright as its brightest place, to white.`),
    h("div", { class: "table-wrap" }, h("table", { class: "table compact" }, head("Light", "Level", "Uneven by", "Left over"), h("tbody", {}, ...rows))),
  ];
}

/** A picture for each light of how it shines on the card. */
export function fields(found: FlatFound): HTMLElement {
  return h("div", { class: "rc-fields" }, ...found.log.map((row, index) => {
    const name = found.lights[index]?.name ?? String(index + 1);
    return h("figure", {}, field(row, found.half_mm, name), h("figcaption", { class: "small muted" }, name));
  }));
}

function field(log: number[], half: [number, number], name: string): HTMLCanvasElement {
  const height = 56, width = Math.max(8, Math.round((height * half[0]) / half[1]));
  const canvas = h("canvas", { width, height, role: "img", "aria-label": `How light ${name} shines on the card` });
  const context = canvas.getContext("2d");
  if (!context) return canvas;
  const values = new Float64Array(width * height);
  for (let row = 0; row < height; row += 1) for (let column = 0; column < width; column += 1) {
    values[row * width + column] = Math.exp(value(log, (2 * column + 1) / width - 1, 1 - (2 * row + 1) / height));
  }
  const most = values.reduce((one, two) => Math.max(one, two), 0);
  const picture = context.createImageData(width, height);
  values.forEach((each, index) => {
    const grey = Math.round(255 * Math.min(1, Math.max(0, 2 * (each / most) - 1)) ** 0.6);
    picture.data.set([grey, grey, grey, 255], 4 * index);
  });
  context.putImageData(picture, 0, 0);
  return canvas;
}

/** The polynomial of rcg/photometric/flat_field.py: terms by their degree, powers of u falling. */
function value(log: number[], u: number, v: number): number {
  let sum = 0, term = 0;
  for (let degree = 0; degree <= ORDER; degree += 1) for (let power = degree; power >= 0; power -= 1) sum += (log[term++] ?? 0) * u ** power * v ** (degree - power);
  return sum;
}
