// Annotations drawn over a picture as SVG, in the picture's own pixels.
import { type Annotation, type Point, type Shape } from "./rows";

const SVG = "http://www.w3.org/2000/svg";

export function svg<K extends keyof SVGElementTagNameMap>(tag: K, props: Record<string, string | number>, ...children: (Node | string)[]): SVGElementTagNameMap[K] {
  const element = document.createElementNS(SVG, tag);
  for (const [key, value] of Object.entries(props)) element.setAttribute(key, String(value));
  element.append(...children);
  return element;
}

const ring = (points: Point[]): string => (points.length ? `M${points.map(([x, y]) => `${x.toFixed(1)} ${y.toFixed(1)}`).join("L")}Z` : "");

/** COCO's compressed run lengths as a path of column pieces. */
export function runsPath(counts: string, height: number): string {
  const runs: number[] = [];
  for (let at = 0; at < counts.length;) {
    let value = 0, shift = 0, more = true;
    while (more && at < counts.length) {
      const code = counts.charCodeAt(at++) - 48;
      value |= (code & 0x1f) << shift;
      more = (code & 0x20) !== 0;
      shift += 5;
      if (!more && code & 0x10) value |= -1 << shift;
    }
    runs.push(runs.length > 2 ? value + (runs[runs.length - 2] ?? 0) : value);
  }
  let path = "", pixel = 0;
  runs.forEach((length, index) => {
    if (index % 2) {
      for (let from = pixel; from < pixel + length;) {
        const x = Math.floor(from / height), y = from % height, piece = Math.min(height - y, pixel + length - from);
        path += `M${x} ${y}h1v${piece}h-1z`;
        from += piece;
      }
    }
    pixel += length;
  });
  return path;
}

/** The outline of a shape as a path, and where its name goes. */
export function outline(shape: Shape): { path: string; at: Point } {
  if (shape.type === "box") {
    const { x = 0, y = 0, width = 0, height = 0 } = shape;
    return { path: ring([[x, y], [x + width, y], [x + width, y + height], [x, y + height]]), at: [x, y] };
  }
  if (shape.type === "mask") {
    const path = runsPath(shape.counts ?? "", shape.size?.[0] ?? 1), first = /M(\d+) (\d+)/.exec(path);
    return { path, at: [Number(first?.[1] ?? 0), Number(first?.[2] ?? 0)] };
  }
  const rings = shape.type === "quad" ? [shape.corners ?? []] : (shape.parts ?? []).flatMap((part) => [part.outer, ...(part.holes ?? [])]);
  const points = rings.flat();
  const top = points.reduce<Point>((best, point) => (point[1] < best[1] ? point : best), points[0] ?? [0, 0]);
  return { path: rings.map(ring).join(""), at: top };
}

export type Rectangle = [left: number, top: number, right: number, bottom: number];

/** The upright rectangle round a shape. */
export function bounds(shape: Shape): Rectangle {
  let points: Point[] = [];
  if (shape.type === "box") points = [[shape.x ?? 0, shape.y ?? 0], [(shape.x ?? 0) + (shape.width ?? 0), (shape.y ?? 0) + (shape.height ?? 0)]];
  else if (shape.type === "mask") points = [...runsPath(shape.counts ?? "", shape.size?.[0] ?? 1).matchAll(/M(\d+) (\d+)h1v(\d+)/g)].flatMap(([, x, y, long]): Point[] => [[Number(x), Number(y)], [Number(x) + 1, Number(y) + Number(long)]]);
  else if (shape.type === "quad") points = shape.corners ?? [];
  else if (shape.type === "points") points = (shape.points ?? []).map(({ x, y }) => [x, y]);
  else points = (shape.parts ?? []).flatMap((part) => part.outer);
  const xs = points.map(([x]) => x), ys = points.map(([, y]) => y);
  return points.length ? [Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)] : [0, 0, 0, 0];
}

export interface Drawn { truth: boolean; predicted: boolean; least: number }
export type ColourOf = (label: string) => string;

/** All annotations of a sample over its picture: truth as a fine light line, predictions in their class's colour. */
export function overlay(width: number, height: number, truth: Annotation[], predicted: Annotation[], colourOf: ColourOf, show: Drawn, named: boolean): SVGSVGElement {
  const drawing = svg("svg", { viewBox: `0 0 ${width || 1} ${height || 1}`, class: "tr-overlay", "aria-hidden": "true" });
  if (show.truth) for (const each of truth) drawing.append(...one(each, "truth", "", width));
  const shown = show.predicted ? predicted.filter((each) => (each.score ?? 1) >= show.least) : [];
  for (const each of shown) drawing.append(...one(each, "predicted", colourOf(each.label), width));
  if (named) drawing.append(...names(shown, width, height, colourOf));
  return drawing;
}

function dressed(element: SVGElement, colour: string): SVGElement {
  if (colour) element.style.setProperty("--ink", `var(--${colour})`);
  return element;
}

/** Class and score at each shape, inside the picture and none over another. */
function names(shown: Annotation[], width: number, height: number, colourOf: ColourOf): SVGElement[] {
  const size = width / 28, taken: Rectangle[] = [];
  return shown.filter((each) => each.shape.type !== "points" && typeof each.score === "number").map((each) => {
    const text = `${each.label.replaceAll("_", " ")} ${(each.score ?? 0).toFixed(2)}`, [left, top] = outline(each.shape).at;
    const long = 0.6 * size * text.length, x = Math.max(0, Math.min(left, width - long)), first = Math.max(size, top - size / 4);
    const free = (y: number): boolean => taken.every(([a, b, c, d]) => x >= c || x + long <= a || y - size >= d || y <= b);
    let y = first;
    while (!free(y) && y < height) y += size / 4;
    if (y > height) y = first; // a picture full of names: better over another than nowhere
    taken.push([x, y - size, x + long, y]);
    return dressed(svg("text", { class: "score", x, y, "font-size": size }, text), colourOf(each.label));
  });
}

function one(each: Annotation, kind: "truth" | "predicted", colour: string, width: number): SVGElement[] {
  const dress = (element: SVGElement): SVGElement => dressed(element, colour);
  if (each.shape.type === "points") {
    const size = width / 60;
    return (each.shape.points ?? []).filter((point) => point.visible !== 0).map(({ x, y }) =>
      dress(svg("path", { class: kind, d: kind === "truth" ? `M${x - size} ${y}H${x + size}M${x} ${y - size}V${y + size}` : `M${x - size} ${y}a${size} ${size} 0 1 0 ${2 * size} 0a${size} ${size} 0 1 0 ${-2 * size} 0` })));
  }
  const { path } = outline(each.shape);
  const parts: SVGElement[] = [];
  if (kind === "truth") parts.push(svg("path", { class: "halo", d: path, "fill-rule": "evenodd" }));
  parts.push(dress(svg("path", { class: kind, d: path, "fill-rule": "evenodd" })));
  return parts;
}
