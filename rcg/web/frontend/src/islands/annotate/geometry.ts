// Shapes by their numbers, free of the document: bounds, hits, moves, vertices. Nothing is changed in place.
import { clamp, gap, inRing, nearestOn, round, signedArea } from "./ring";
import { maskBounds, maskHas } from "./rle";
import type { Box, Part, Polygon, Quad, Ring, Shape, XY } from "./types";

export interface Extent { left: number; top: number; right: number; bottom: number }
/** A vertex: which ring of the shape, which point of it. Points of a points shape are ring 0; a box's corners and middles, too. */
export interface Vertex { ring: number; index: number }
/** Every ring of a shape, in order: outer, its holes, the next part's outer ... None for points and masks. */
export function rings(shape: Shape): Ring[] {
  if (shape.type === "box") return [boxCorners(shape)];
  if (shape.type === "quad") return [shape.corners];
  if (shape.type === "polygon") return shape.parts.flatMap((part) => [part.outer, ...part.holes]);
  return [];
}

export function boxCorners({ x, y, width, height }: Box): Ring {
  return [[x, y], [x + width, y], [x + width, y + height], [x, y + height]];
}

/** What can be taken hold of: corners and middles of a box, points of everything else. */
export function handles(shape: Shape): { at: XY; vertex: Vertex }[] {
  if (shape.type === "box") return boxHandles(shape).map((at, index) => ({ at, vertex: { ring: 0, index } }));
  if (shape.type === "points") return shape.points.map((point, index) => ({ at: [point.x, point.y] as XY, vertex: { ring: 0, index } }));
  return rings(shape).flatMap((ring, which) => ring.map((at, index) => ({ at, vertex: { ring: which, index } })));
}

function boxHandles({ x, y, width, height }: Box): Ring {
  const [cx, cy, right, bottom] = [x + width / 2, y + height / 2, x + width, y + height];
  return [[x, y], [cx, y], [right, y], [right, cy], [right, bottom], [cx, bottom], [x, bottom], [x, cy]];
}

export function extent(shape: Shape): Extent {
  if (shape.type === "mask") return maskBounds(shape);
  if (shape.type === "box") return { left: shape.x, top: shape.y, right: shape.x + shape.width, bottom: shape.y + shape.height };
  const points = shape.type === "points" ? shape.points.filter((point) => point.visible).map((point): XY => [point.x, point.y]) : rings(shape).flat();
  return extentOf(points.length ? points : handles(shape).map((handle) => handle.at));
}

export function extentOf(points: XY[]): Extent {
  const found = { left: Infinity, top: Infinity, right: -Infinity, bottom: -Infinity };
  for (const [x, y] of points) {
    if (x < found.left) found.left = x;
    if (x > found.right) found.right = x;
    if (y < found.top) found.top = y;
    if (y > found.bottom) found.bottom = y;
  }
  return found;
}

export function area(shape: Shape): number {
  const size = (ring: Ring): number => Math.abs(signedArea(ring));
  if (shape.type === "box") return shape.width * shape.height;
  if (shape.type === "quad") return size(shape.corners);
  if (shape.type === "polygon") return shape.parts.reduce((sum, part) => sum + size(part.outer) - part.holes.reduce((holes, hole) => holes + size(hole), 0), 0);
  const { left, top, right, bottom } = extent(shape);
  return Math.max(0, right - left) * Math.max(0, bottom - top);
}

export function contains(shape: Shape, at: XY): boolean {
  if (shape.type === "box") return at[0] >= shape.x && at[0] <= shape.x + shape.width && at[1] >= shape.y && at[1] <= shape.y + shape.height;
  if (shape.type === "quad") return inRing(at, shape.corners);
  if (shape.type === "polygon") return shape.parts.some((part) => inRing(at, part.outer) && !part.holes.some((hole) => inRing(at, hole)));
  return shape.type === "mask" && maskHas(shape, at);
}

export function vertexAt(shape: Shape, at: XY, reach: number): Vertex | null {
  let best: Vertex | null = null, nearest = reach;
  for (const handle of handles(shape)) {
    const distance = gap(handle.at, at);
    if (distance <= nearest) { nearest = distance; best = handle.vertex; }
  }
  return best;
}

/** The place on an outline near a point: between `index` and the one after it. */
export function edgeAt(shape: Shape, at: XY, reach: number): (Vertex & { at: XY }) | null {
  let best: (Vertex & { at: XY }) | null = null, nearest = reach;
  rings(shape).forEach((ring, which) => ring.forEach((a, index) => {
    const on = nearestOn(at, a, ring[(index + 1) % ring.length] as XY), distance = gap(on, at);
    if (distance <= nearest) { nearest = distance; best = { ring: which, index, at: on }; }
  }));
  return best;
}

export function hits(shape: Shape, at: XY, reach: number): boolean {
  if (shape.type === "points") return vertexAt(shape, at, reach * 1.5) !== null;
  const { left, top, right, bottom } = extent(shape);
  if (at[0] < left - reach || at[0] > right + reach || at[1] < top - reach || at[1] > bottom + reach) return false;
  return contains(shape, at) || edgeAt(shape, at, reach) !== null;
}

/** Shapes under a point before those that are near it, the smallest first: what lies in another one stays within reach. */
export function under<T extends { shape: Shape }>(shapes: T[], at: XY, reach: number): T[] {
  const found = shapes.filter((one) => hits(one.shape, at, reach)).map((one) => ({ one, beside: Number(!contains(one.shape, at)), size: area(one.shape) }));
  return found.sort((a, b) => a.beside - b.beside || a.size - b.size).map(({ one }) => one);
}

function mapPoints(shape: Shape, map: (at: XY) => XY): Shape {
  if (shape.type === "box") { const [x, y] = map([shape.x, shape.y]); return { ...shape, x, y }; }
  if (shape.type === "quad") return { ...shape, corners: shape.corners.map(map) as Quad["corners"] };
  if (shape.type === "polygon") return { ...shape, parts: shape.parts.map((part) => ({ outer: part.outer.map(map), holes: part.holes.map((hole) => hole.map(map)) })) };
  if (shape.type === "points") {
    const moved = shape.points.map((point) => { const [x, y] = map([point.x, point.y]); return { ...point, x, y }; });
    return { ...shape, points: moved, box: shape.box ? mapPoints(shape.box, map) as Box : null };
  }
  return shape;
}

/** Moves a shape, as far as it stays on the image. What reaches beyond it already may only move inwards. */
export function translate(shape: Shape, dx: number, dy: number, width: number, height: number): Shape {
  const { left, top, right, bottom } = extent(shape);
  const held = (by: number, low: number, high: number, size: number): number => clamp(by, Math.min(0, -low), Math.max(0, size - high));
  const [mx, my] = [held(dx, left, right, width), held(dy, top, bottom, height)];
  return mapPoints(shape, ([x, y]) => [round(x + mx), round(y + my)]);
}

function replaceRing(shape: Polygon, which: number, change: (ring: Ring) => Ring): Polygon {
  let at = -1;
  const swap = (ring: Ring): Ring => (++at === which ? change(ring) : ring);
  const parts = shape.parts.map((part): Part => {
    const outer = swap(part.outer), holes = part.holes.map(swap).filter((ring) => ring.length >= 3);
    return { outer, holes };
  });
  return { ...shape, parts: parts.filter((part) => part.outer.length >= 3) };
}

/** Moves one vertex. A box's corner or middle resizes it; it never turns inside out. */
export function moveVertex(shape: Shape, { ring, index }: Vertex, [x, y]: XY): Shape {
  if (shape.type === "box") return resize(shape, index, [x, y]);
  if (shape.type === "quad") return { ...shape, corners: shape.corners.map((old, i) => (i === index ? [x, y] : old)) as Quad["corners"] };
  if (shape.type === "points") return { ...shape, points: shape.points.map((point, i) => (i === index ? { ...point, x, y } : point)) };
  if (shape.type === "polygon") return replaceRing(shape, ring, (old) => old.map((point, i) => (i === index ? [x, y] : point)));
  return shape;
}

function resize(box: Box, handle: number, [x, y]: XY): Box {
  let { left, top, right, bottom } = extent(box);
  if ([0, 6, 7].includes(handle)) left = x;
  if ([2, 3, 4].includes(handle)) right = x;
  if ([0, 1, 2].includes(handle)) top = y;
  if ([4, 5, 6].includes(handle)) bottom = y;
  return boxBetween([left, top], [right, bottom]) ?? box;
}

/** The box between two corners, wherever they lie; null when it would be empty. */
export function boxBetween(a: XY, b: XY): Box | null {
  const [x, y] = [Math.min(a[0], b[0]), Math.min(a[1], b[1])];
  const [width, height] = [round(Math.abs(a[0] - b[0])), round(Math.abs(a[1] - b[1]))];
  return width > 0 && height > 0 ? { type: "box", x, y, width, height } : null;
}

export function insertVertex(shape: Shape, { ring, index }: Vertex, at: XY): Shape {
  return shape.type === "polygon" ? replaceRing(shape, ring, (old) => [...old.slice(0, index + 1), at, ...old.slice(index + 1)]) : shape;
}

/** Takes a vertex out; a ring of two is no ring and goes. Null when nothing is left, the shape itself where none may go. */
export function deleteVertex(shape: Shape, { ring, index }: Vertex): Shape | null {
  if (shape.type === "points") {
    const points = shape.points.filter((_, i) => i !== index);
    return points.length ? { ...shape, points } : null;
  }
  if (shape.type !== "polygon") return shape;
  const left = replaceRing(shape, ring, (old) => old.filter((_, i) => i !== index));
  return left.parts.length ? left : null;
}

/** Cuts a hole; words of why it cannot be. */
export function addHole(shape: Polygon, hole: Ring): Polygon | string {
  const which = shape.parts.findIndex((part) => hole.every((point) => inRing(point, part.outer)));
  if (which < 0) return "A hole lies inside one piece of the polygon; this one does not.";
  if (shape.parts[which]?.holes.some((other) => hole.some((point) => inRing(point, other)) || other.some((point) => inRing(point, hole)))) return "A hole may not overlap another hole.";
  return { ...shape, parts: shape.parts.map((part, i) => (i === which ? { ...part, holes: [...part.holes, hole] } : part)) };
}

/** Makes the next corner the card's top left one. */
export const turnCorners = ({ corners: [a, b, c, d] }: Quad): Quad => ({ type: "quad", corners: [b, c, d, a] });
