// Points, lines and rings: rings are open, the last point joins the first.
import type { Ring, XY } from "./types";

const FINEST = 100;  // coordinates are kept to 1/100 px

export const round = (value: number): number => Math.round(value * FINEST) / FINEST;
export const gap = (a: XY, b: XY): number => Math.hypot(a[0] - b[0], a[1] - b[1]);
export const clamp = (value: number, low: number, high: number): number => Math.min(high, Math.max(low, value));
export const within = ([x, y]: XY, width: number, height: number): XY => [round(clamp(x, 0, width)), round(clamp(y, 0, height))];

/** The signed area inside a ring: positive when its points run clockwise on the screen. */
export function signedArea(ring: Ring): number {
  const [x0, y0] = ring[0] ?? [0, 0];
  let sum = 0;
  for (let i = 1; i + 1 < ring.length; i++) {
    const [ax, ay] = ring[i] as XY, [bx, by] = ring[i + 1] as XY;
    sum += (ax - x0) * (by - y0) - (bx - x0) * (ay - y0);
  }
  return sum / 2;
}

export function inRing([x, y]: XY, ring: Ring): boolean {
  let inside = false;
  for (let i = 0, j = ring.length - 1; i < ring.length; j = i++) {
    const [ax, ay] = ring[i] as XY, [bx, by] = ring[j] as XY;
    if ((ay > y) !== (by > y) && x < ((bx - ax) * (y - ay)) / (by - ay) + ax) inside = !inside;
  }
  return inside;
}

/** The point of a segment that is nearest. */
export function nearestOn([x, y]: XY, [ax, ay]: XY, [bx, by]: XY): XY {
  const [dx, dy] = [bx - ax, by - ay], length = dx * dx + dy * dy;
  const t = length ? clamp(((x - ax) * dx + (y - ay) * dy) / length, 0, 1) : 0;
  return [ax + t * dx, ay + t * dy];
}

/** Leaves out points that lie within `tolerance` of the line without them (Ramer, Douglas and Peucker). */
export function simplify(line: Ring, tolerance: number): Ring {
  if (line.length < 3) return line;
  const keep = new Uint8Array(line.length), open: [number, number][] = [[0, line.length - 1]];
  keep[0] = keep[line.length - 1] = 1;
  for (let span = open.pop(); span; span = open.pop()) {
    const [first, last] = span;
    let far = 0, at = -1;
    for (let i = first + 1; i < last; i++) {
      const off = gap(line[i] as XY, nearestOn(line[i] as XY, line[first] as XY, line[last] as XY));
      if (off > far) { far = off; at = i; }
    }
    if (far > tolerance) { keep[at] = 1; open.push([first, at], [at, last]); }
  }
  return line.filter((_, i) => keep[i]);
}

/** The same for a closed ring: it is opened at its two points that lie furthest apart, roughly. */
export function simplifyRing(ring: Ring, tolerance: number): Ring {
  if (ring.length < 5) return ring;
  const first = ring[0] as XY;
  const far = ring.reduce((best, point, i) => (gap(point, first) > gap(ring[best] as XY, first) ? i : best), 0);
  const one = simplify(ring.slice(0, far + 1), tolerance), two = simplify([...ring.slice(far), first], tolerance);
  const found = [...one.slice(0, -1), ...two.slice(0, -1)];
  return found.length >= 3 ? found : ring;
}

/**
 * Lays a pixel outline's stairs into slopes: short sides keep their middle alone, corners between long sides stay.
 * What comes out lies within a pixel of the outline, on both sides of it alike.
 */
export function smoothStairs(ring: Ring, tolerance: number): Ring {
  const long = 3, at = (i: number): XY => ring[(i + ring.length) % ring.length] as XY;
  const corner = (i: number): boolean => gap(at(i - 1), at(i)) > long && gap(at(i), at(i + 1)) > long;
  const found: Ring = [];
  ring.forEach((p, i) => {
    const q = at(i + 1), length = gap(p, q), [dx, dy] = [(q[0] - p[0]) / length, (q[1] - p[1]) / length];
    if (corner(i)) found.push(p);
    if (length <= long) { found.push([(p[0] + q[0]) / 2, (p[1] + q[1]) / 2]); return; }
    if (!corner(i)) found.push([p[0] + dx, p[1] + dy]);
    if (!corner(i + 1)) found.push([q[0] - dx, q[1] - dy]);
  });
  const smooth = simplifyRing(found, tolerance).map(([x, y]): XY => [round(x), round(y)]);
  return smooth.length >= 3 ? smooth : ring;
}

export function crossesItself(ring: Ring): boolean {
  const side = (a: XY, b: XY, p: XY): number => (b[0] - a[0]) * (p[1] - a[1]) - (b[1] - a[1]) * (p[0] - a[0]);
  const count = ring.length;
  for (let i = 0; i < count; i++) for (let j = i + 2; j < count; j++) {
    if (i === 0 && j === count - 1) continue;
    const [a, b, c, d] = [ring[i], ring[i + 1], ring[j], ring[(j + 1) % count]] as [XY, XY, XY, XY];
    if (side(a, b, c) * side(a, b, d) < 0 && side(c, d, a) * side(c, d, b) < 0) return true;
  }
  return false;
}
