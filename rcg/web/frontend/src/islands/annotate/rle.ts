// Masks: COCO's compressed run lengths read, looked into, and turned into polygons.
import { inRing, signedArea } from "./ring";
import type { Mask, Part, Polygon, Ring, XY } from "./types";

/** Runs of 0 and 1 in turn, beginning with 0, down the columns. Throws when they do not fill the mask. */
export function runs({ size: [height, width], counts }: Mask): number[] {
  const found: number[] = [];
  let total = 0;
  for (let at = 0; at < counts.length;) {
    let value = 0, shift = 0, more = true, code = 0;
    while (more) {
      if (at >= counts.length) throw new Error("The mask's run lengths were cut short.");
      code = counts.charCodeAt(at++) - 48;
      value += (code & 31) * 2 ** shift;
      more = (code & 32) !== 0;
      shift += 5;
    }
    if (code & 16) value -= 2 ** shift;
    if (found.length > 2) value += found[found.length - 2] as number;
    found.push(value);
    total += value;
  }
  if (total !== height * width || found.some((run) => run < 0)) throw new Error("The mask's run lengths do not fill its size.");
  return found;
}

interface Decoded { bits: Uint8Array; left: number; top: number; right: number; bottom: number }
const cache = new WeakMap<Mask, Decoded>();

/** The pixels, row by row, and the box round them. */
export function decode(mask: Mask): Decoded {
  const known = cache.get(mask);
  if (known) return known;
  const [height, width] = mask.size, bits = new Uint8Array(height * width);
  const box = { left: width, top: height, right: 0, bottom: 0 };
  let at = 0, on = false;
  for (const run of runs(mask)) {
    if (on) for (let i = at; i < at + run; i++) {
      const x = Math.floor(i / height), y = i % height;
      bits[y * width + x] = 1;
      if (x < box.left) box.left = x;
      if (x + 1 > box.right) box.right = x + 1;
      if (y < box.top) box.top = y;
      if (y + 1 > box.bottom) box.bottom = y + 1;
    }
    at += run;
    on = !on;
  }
  if (box.right === 0) Object.assign(box, { left: 0, top: 0 });
  const found = { bits, ...box, bottom: Math.max(box.bottom, 0) };
  cache.set(mask, found);
  return found;
}

export function maskBounds(mask: Mask): { left: number; top: number; right: number; bottom: number } {
  const { left, top, right, bottom } = decode(mask);
  return { left, top, right, bottom };
}

export function maskHas(mask: Mask, [x, y]: XY): boolean {
  const [height, width] = mask.size, [column, row] = [Math.floor(x), Math.floor(y)];
  return column >= 0 && row >= 0 && column < width && row < height && decode(mask).bits[row * width + column] === 1;
}

/** The outline along the pixels' edges, holes and all: it covers the very same pixels. Null of an empty mask. */
export function polygonOf(mask: Mask): Polygon | null {
  const [height, width] = mask.size, { bits } = decode(mask), stride = width + 1;
  const on = (x: number, y: number): boolean => x >= 0 && y >= 0 && x < width && y < height && bits[y * width + x] === 1;
  // From each corner point, the edges that leave it, pixels at their right: outer rings run clockwise, holes against it.
  const leaving = new Map<number, number[]>();
  const edge = (x: number, y: number, direction: number): void => { const key = y * stride + x; const list = leaving.get(key); if (list) list.push(direction); else leaving.set(key, [direction]); };
  const { left, top, right, bottom } = decode(mask);
  for (let y = top; y < bottom; y++) for (let x = left; x < right; x++) {
    if (!on(x, y)) continue;
    if (!on(x, y - 1)) edge(x, y, 0);
    if (!on(x + 1, y)) edge(x + 1, y, 1);
    if (!on(x, y + 1)) edge(x + 1, y + 1, 2);
    if (!on(x - 1, y)) edge(x, y + 1, 3);
  }
  const outers: Ring[] = [], holes: Ring[] = [];
  for (const start of [...leaving.keys()]) while (leaving.get(start)?.length) {
    const ring = walk(leaving, start, stride);
    (signedArea(ring) > 0 ? outers : holes).push(ring);
  }
  if (!outers.length) return null;
  return { type: "polygon", parts: assign(outers, holes) };
}

const STEPS: readonly XY[] = [[1, 0], [0, 1], [-1, 0], [0, -1]];

function walk(leaving: Map<number, number[]>, start: number, stride: number): Ring {
  const ring: Ring = [];
  let key = start, direction = -1;
  do {
    const ways = leaving.get(key) as number[];
    // Where two pixels meet at a corner only, turn right: they stay pieces of their own.
    const next = direction < 0 ? ways[0] as number : ways.find((way) => way === (direction + 1) % 4) ?? ways.find((way) => way === direction) ?? ways[0] as number;
    ways.splice(ways.indexOf(next), 1);
    if (next !== direction) ring.push([key % stride, Math.floor(key / stride)]);
    const [dx, dy] = STEPS[next] as XY;
    key += dx + dy * stride;
    direction = next;
  } while (key !== start || leaving.get(key)?.includes((direction + 1) % 4));
  const [first, second, last] = [ring[0], ring[1], ring.at(-1)] as [XY, XY, XY];
  if (ring.length > 4 && ((first[0] === second[0] && first[0] === last[0]) || (first[1] === second[1] && first[1] === last[1]))) ring.shift();
  return ring;
}

/** Gives each hole to the piece that its pixels' neighbours belong to: the smallest one round the pixel at its edge. */
function assign(outers: Ring[], holes: Ring[]): Part[] {
  const parts: Part[] = outers.map((outer) => ({ outer, holes: [] }));
  const bySize = parts.map((part) => ({ part, size: signedArea(part.outer) })).sort((a, b) => a.size - b.size);
  for (const hole of holes) {
    const [[ax, ay], [bx, by]] = hole as [XY, XY, ...XY[]];
    const [dx, dy] = [Math.sign(bx - ax), Math.sign(by - ay)];
    const pixel: XY = [ax + (dx - dy) / 2, ay + (dx + dy) / 2];
    bySize.find(({ part }) => inRing(pixel, part.outer))?.part.holes.push(hole);
  }
  return parts;
}
