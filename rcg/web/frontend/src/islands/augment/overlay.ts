// Shapes over a picture, as SVG in the picture's own pixels.
import type { Annotation, DatasetOf, Preview, XY } from "./types";

const NS = "http://www.w3.org/2000/svg";

function make(tag: string, attributes: Record<string, string | number>): SVGElement {
  const element = document.createElementNS(NS, tag);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, String(value));
  return element;
}

const path = (ring: XY[]): string => `M${ring.map(([x, y]) => `${x.toFixed(2)} ${y.toFixed(2)}`).join("L")}Z`;

interface Scale { width: number; height: number; unit: number; named: boolean }

/** Shapes in the picture's pixels; `unit` is a pixel of the screen in those. Names are for the large panes only. */
export function overlay(preview: Preview, annotations: Annotation[], dataset: DatasetOf, unit: number, named: boolean): SVGSVGElement {
  const size: Scale = { width: preview.width, height: preview.height, unit, named };
  const svg = make("svg", { viewBox: `0 0 ${size.width} ${size.height}`, class: "au-shapes", "aria-hidden": "true" }) as SVGSVGElement;
  for (const annotation of annotations) svg.append(one(annotation, dataset, size));
  return svg;
}

function one(annotation: Annotation, dataset: DatasetOf, size: Scale): SVGElement {
  const known = dataset.classes.find((each) => each.name === annotation.label);
  const group = make("g", { class: `au-class-${known?.colour ?? 1}` });
  const shape = annotation.shape;
  const anchor: XY[] = [];
  if (shape.type === "box") {
    group.append(make("rect", { x: shape.x, y: shape.y, width: shape.width, height: shape.height }));
    anchor.push([shape.x, shape.y]);
  } else if (shape.type === "polygon") {
    group.append(make("path", { d: shape.parts.map((part) => [part.outer, ...part.holes].map(path).join("")).join(""), "fill-rule": "evenodd" }));
    anchor.push(...shape.parts.flatMap((part) => part.outer));
  } else if (shape.type === "quad") {
    group.append(make("path", { d: path(shape.corners), class: "line" }));
    const first = shape.corners[0];
    if (first) { group.append(make("circle", { cx: first[0], cy: first[1], r: 3.5 * size.unit })); anchor.push(first); }
  } else if (shape.type === "points") points(group, shape.points, dataset, size);
  if (size.named && anchor.length) {
    const u = size.unit, x = Math.min(Math.max(Math.min(...anchor.map((at) => at[0])), 2 * u), size.width - 48 * u), y = Math.min(...anchor.map((at) => at[1])) - 5 * u;
    group.append(label(x, y, known?.title ?? annotation.label, size));
  }
  return group;
}

function points(group: SVGElement, all: { name: string; x: number; y: number; visible: number }[], dataset: DatasetOf, size: Scale): void {
  const seen = all.filter((point) => point.visible > 0), at = new Map(seen.map((point) => [point.name, point]));
  for (const [from, to] of dataset.skeleton) {
    const a = at.get(from), b = at.get(to);
    if (a && b) group.append(make("line", { x1: a.x, y1: a.y, x2: b.x, y2: b.y }));
  }
  for (const point of seen) {
    group.append(make("circle", { cx: point.x, cy: point.y, r: 3.5 * size.unit }));
    if (size.named && seen.length <= 12) {
      const right = point.x < size.width * 0.6;
      group.append(label(point.x + (right ? 6 : -6) * size.unit, point.y - 5 * size.unit, point.name.replaceAll("_", " "), size, right ? "start" : "end"));
    }
  }
}

function label(x: number, y: number, text: string, size: Scale, anchor = "start"): SVGElement {
  const element = make("text", { x, y: Math.min(Math.max(y, 12 * size.unit), size.height - 3 * size.unit), "text-anchor": anchor, "font-size": 12 * size.unit, "stroke-width": 3 * size.unit });
  element.textContent = text;
  return element;
}
