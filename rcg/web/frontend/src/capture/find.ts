// Where a card lies in a small grey picture: whatever differs from what is at the picture's rim, if it has a card's shape.
import type { Grey } from "./measure";

export interface Point { x: number; y: number }
/** Corners clockwise from the top left, in shares of the picture's width and height. */
export interface Found { corners: [Point, Point, Point, Point]; fill: number; tilt: number; turn: number; inside: boolean }

const CARD = 63 / 88, SLACK = 0.16;  // of the shape: a sleeve, a tilt
const SOLID = 0.8, LEAST = 0.04, RIM = 0.012;

export function findCard(grey: Grey): Found | null {
  const { width, height } = grey;
  const differs = mask(grey);
  if (!differs) return null;
  const part = largest(differs, width, height);
  if (!part || part.count < LEAST * width * height) return null;
  const corners = extremes(part.points);
  const area = areaOf(corners);
  if (area <= 0 || part.count / area < SOLID) return null;
  const [a, b, c, d] = corners;
  const top = distance(a, b), right = distance(b, c), bottom = distance(c, d), left = distance(d, a);
  const across = (top + bottom) / 2, down = (left + right) / 2;
  const shape = Math.min(across, down) / Math.max(across, down);
  if (Math.abs(shape - CARD) > SLACK) return null;
  const tilt = Math.max(Math.abs(top - bottom) / Math.max(top, bottom), Math.abs(left - right) / Math.max(left, right));
  const turn = Math.atan2(b.y - a.y, b.x - a.x) * 180 / Math.PI;
  const share = (p: Point): Point => ({ x: (p.x + 0.5) / width, y: (p.y + 0.5) / height });
  const inside = corners.every((p) => p.x > RIM * width && p.x < (1 - RIM) * width && p.y > RIM * height && p.y < (1 - RIM) * height);
  return { corners: [share(a), share(b), share(c), share(d)], fill: area / (width * height), tilt, turn, inside };
}

/** 1 where a pixel is off the rim's median by more than the threshold that parts the differences best (Otsu). */
function mask(grey: Grey): Uint8Array | null {
  const { width, height, data } = grey;
  const rim: number[] = [];
  const deep = Math.max(1, Math.round(0.02 * Math.min(width, height)));
  for (let y = 0; y < height; y += 2) for (let k = 0; k < deep; k++) rim.push(data[y * width + k] as number, data[y * width + width - 1 - k] as number);
  for (let x = 0; x < width; x += 2) for (let k = 0; k < deep; k++) rim.push(data[k * width + x] as number, data[(height - 1 - k) * width + x] as number);
  rim.sort((one, other) => one - other);
  const ground = rim[rim.length >> 1] as number;
  const off = new Uint8Array(data.length), counts = new Float64Array(256);
  for (let i = 0; i < data.length; i++) { const value = Math.abs((data[i] as number) - ground); off[i] = value; counts[value] = (counts[value] as number) + 1; }
  const limit = Math.min(Math.max(otsu(counts, data.length), 10), 60);
  let any = 0;
  for (let i = 0; i < off.length; i++) { const is = (off[i] as number) > limit ? 1 : 0; off[i] = is; any += is; }
  return any ? off : null;
}

function otsu(counts: Float64Array, total: number): number {
  let all = 0;
  for (let k = 0; k < 256; k++) all += k * (counts[k] as number);
  let below = 0, sum = 0, best = 0, at = 0;
  for (let k = 0; k < 256; k++) {
    below += counts[k] as number;
    sum += k * (counts[k] as number);
    if (!below || below === total) continue;
    const between = below * (total - below) * (sum / below - (all - sum) / (total - below)) ** 2;
    if (between > best) { best = between; at = k; }
  }
  return at;
}

/** The largest connected part without its holes: how many pixels its rows span, and the ends of its rows. */
function largest(is: Uint8Array, width: number, height: number): { count: number; points: Point[] } | null {
  const seen = new Uint8Array(is.length), stack = new Int32Array(is.length);
  let best: { count: number; points: Point[] } | null = null;
  for (let start = 0; start < is.length; start++) {
    if (!is[start] || seen[start]) continue;
    let depth = 0, size = 0;
    const first = new Int32Array(height).fill(width), last = new Int32Array(height).fill(-1);
    stack[depth++] = start; seen[start] = 1;
    while (depth) {
      const i = stack[--depth] as number, x = i % width, y = (i - x) / width;
      size++;
      if (x < (first[y] as number)) first[y] = x;
      if (x > (last[y] as number)) last[y] = x;
      for (const [next, there] of [[i - 1, x > 0], [i + 1, x < width - 1], [i - width, y > 0], [i + width, y < height - 1]] as [number, boolean][]) {
        if (there && is[next] && !seen[next]) { seen[next] = 1; stack[depth++] = next; }
      }
    }
    if (size < 0.01 * is.length) continue;
    let count = 0;
    const points: Point[] = [];
    for (let y = 0; y < height; y++) if ((last[y] as number) >= 0) {
      count += (last[y] as number) - (first[y] as number) + 1;
      points.push({ x: first[y] as number, y }, { x: last[y] as number, y });
    }
    if (!best || count > best.count) best = { count, points };
  }
  return best;
}

/** The points furthest towards the four corners: a card's own while it is turned by less than half a right angle. */
function extremes(points: Point[]): [Point, Point, Point, Point] {
  const furthest = (score: (p: Point) => number): Point => points.reduce((best, p) => (score(p) > score(best) ? p : best));
  return [furthest((p) => -p.x - p.y), furthest((p) => p.x - p.y), furthest((p) => p.x + p.y), furthest((p) => p.y - p.x)];
}

const distance = (one: Point, other: Point): number => Math.hypot(one.x - other.x, one.y - other.y);

function areaOf(points: Point[]): number {
  let twice = 0;
  points.forEach((p, i) => { const q = points[(i + 1) % points.length] as Point; twice += p.x * q.y - q.x * p.y; });
  return Math.abs(twice) / 2;
}
