// Shapes onto a canvas: thousands at once as a few paths, points closer than a pixel left out, what is out of sight skipped.
import type { Colours } from "./colours";
import { extent, type Extent, rings } from "./geometry";
import { signedArea } from "./ring";
import { decode } from "./rle";
import type { Annotation, LabelSchema, Mask, Points, Ring, XY } from "./types";
import type { Place } from "./viewer";

export interface Prepared { shape: Annotation; box: Extent; rings: Ring[]; hole: boolean[] }
export interface Room { width: number; height: number }
export type ColourOf = (label: string) => string;
const FINE = 0.8, TINY = 3, FILLED = 1500, HALOED = 1500, SCORED = 150;
const cache = new WeakMap<Annotation, Prepared>();
const pictures = new WeakMap<Mask, Map<string, HTMLCanvasElement>>();

/** What drawing needs of a shape; kept as long as the shape itself. Outer rings run clockwise, holes against it. */
export function prepare(shape: Annotation): Prepared {
  const known = cache.get(shape);
  if (known) return known;
  const hole = shape.shape.type === "polygon" ? shape.shape.parts.flatMap((part) => [false, ...part.holes.map(() => true)]) : [false];
  const turned = rings(shape.shape).map((ring, i) => ((signedArea(ring) > 0) === (hole[i] !== true) ? ring : [...ring].reverse()));
  const made = { shape, box: extent(shape.shape), rings: turned, hole };
  cache.set(shape, made);
  return made;
}

export function visible(shapes: Annotation[], place: Place, room: Room): Prepared[] {
  const found: Prepared[] = [];
  for (const shape of shapes) {
    const one = prepare(shape), { left, top, right, bottom } = one.box;
    if (right * place.scale + place.left < -20 || bottom * place.scale + place.top < -20) continue;
    if (left * place.scale + place.left > room.width + 20 || top * place.scale + place.top > room.height + 20) continue;
    found.push(one);
  }
  return found;
}

/** Adds rings to the present path, thinned to what the screen can show. */
export function trace(pen: CanvasRenderingContext2D, one: Prepared, { scale, left, top }: Place): void {
  const { box } = one;
  if ((box.right - box.left) * scale < TINY && (box.bottom - box.top) * scale < TINY) {
    pen.rect(((box.left + box.right) / 2) * scale + left - 1, ((box.top + box.bottom) / 2) * scale + top - 1, 2, 2);
    return;
  }
  for (const ring of one.rings) {
    let lastX = Infinity, lastY = Infinity;
    ring.forEach(([ix, iy], i) => {
      const x = ix * scale + left, y = iy * scale + top;
      if (i > 0 && Math.abs(x - lastX) < FINE && Math.abs(y - lastY) < FINE) return;
      if (i === 0) pen.moveTo(x, y); else pen.lineTo(x, y);
      [lastX, lastY] = [x, y];
    });
    pen.closePath();
  }
}

/** Every shape that is not selected. */
export function paintAll(pen: CanvasRenderingContext2D, shapes: Annotation[], place: Place, room: Room, colourOf: ColourOf, colours: Colours, schema: LabelSchema): void {
  const seen = visible(shapes, place, room), groups = new Map<string, Prepared[]>();
  for (const one of seen) {
    if (one.shape.shape.type === "mask") { paintMask(pen, one.shape.shape, colourOf(one.shape.label), place, 0.45); continue; }
    if (one.shape.shape.type === "points") { paintPoints(pen, one.shape.shape, colourOf(one.shape.label), colours, place, schema, null); continue; }
    const key = `${colourOf(one.shape.label)}|${one.shape.state}`, group = groups.get(key);
    if (group) group.push(one); else groups.set(key, [one]);
  }
  pen.lineJoin = "round";
  for (const [key, group] of groups) {
    const [colour = "", state] = key.split("|");
    pen.beginPath();
    for (const one of group) trace(pen, one, place);
    if (seen.length <= FILLED) { pen.globalAlpha = state === "predicted" ? 0.06 : 0.14; pen.fillStyle = colour; pen.fill("nonzero"); pen.globalAlpha = 1; }
    if (seen.length <= HALOED) { pen.setLineDash([]); pen.strokeStyle = colours.halo; pen.lineWidth = 3.5; pen.stroke(); }
    pen.setLineDash(state === "predicted" ? [6, 4] : []);
    pen.strokeStyle = colour;
    pen.lineWidth = 1.6;
    pen.stroke();
  }
  pen.setLineDash([]);
  const waiting = seen.filter((one) => one.shape.state === "predicted");
  if (waiting.length <= SCORED) for (const one of waiting) tag(pen, scoreOf(one.shape, (one.box.right - one.box.left) * place.scale > 110), one.box, place, colourOf(one.shape.label), colours, 10.5);
}

export function scoreOf(shape: Annotation, withModel: boolean): string {
  const score = shape.score === null ? "" : shape.score.toFixed(2);
  return [score, withModel ? shape.model : null].filter(Boolean).join(" ");
}

/** A word above a shape, on a dark ground. */
export function tag(pen: CanvasRenderingContext2D, text: string, box: Extent, { scale, left, top }: Place, colour: string, colours: Colours, size = 11.5): void {
  if (!text) return;
  pen.font = `500 ${size}px ${colours.font}`;
  const width = pen.measureText(text).width + 8, height = size + 6;
  const x = Math.max(2, box.left * scale + left - 1), above = box.top * scale + top - height - 3, y = above > 2 ? above : box.bottom * scale + top + 4;
  pen.fillStyle = "rgb(12 14 18 / 0.78)";
  pen.fillRect(x, y, width, height);
  pen.fillStyle = colour;
  pen.fillRect(x, y, 2, height);
  pen.textBaseline = "middle";
  pen.fillStyle = "#fff";
  pen.fillText(text, x + 5, y + height / 2 + 0.5);
}

/** Points with their lines; the chosen one is filled, hidden ones are hollow, names stand beside them when there are few. */
export function paintPoints(pen: CanvasRenderingContext2D, shape: Points, colour: string, colours: Colours, { scale, left, top }: Place, schema: LabelSchema, chosen: number | null | "named"): void {
  const at = (point: { x: number; y: number }): XY => [point.x * scale + left, point.y * scale + top];
  const byName = new Map(shape.points.map((point) => [point.name, point]));
  const lines = (): void => { for (const [from, to] of schema.skeleton) { const [a, b] = [byName.get(from), byName.get(to)]; if (a && b) { pen.moveTo(...at(a)); pen.lineTo(...at(b)); } } };
  for (const [style, width] of [[colours.halo, 3.5], [colour, 1.6]] as const) { pen.beginPath(); lines(); pen.strokeStyle = style; pen.lineWidth = width; pen.stroke(); }
  shape.points.forEach((point, i) => {
    const [x, y] = at(point);
    pen.beginPath();
    pen.arc(x, y, chosen === i ? 6.5 : 4.5, 0, 7);
    pen.fillStyle = point.visible === 2 ? colour : "rgb(12 14 18 / 0.6)";
    pen.fill();
    pen.strokeStyle = chosen === i ? "#fff" : point.visible === 2 ? "rgb(12 14 18 / 0.9)" : colour;
    pen.lineWidth = chosen === i ? 2 : 1.5;
    pen.stroke();
    if (chosen !== null) label(pen, pointTitle(schema, point.name), x + 9, y, colours);
  });
}

export function label(pen: CanvasRenderingContext2D, text: string, x: number, y: number, colours: Colours): void {
  pen.font = `500 11.5px ${colours.font}`;
  pen.textBaseline = "middle";
  pen.lineWidth = 3;
  pen.strokeStyle = "rgb(12 14 18 / 0.8)";
  pen.lineJoin = "round";
  pen.strokeText(text, x, y);
  pen.fillStyle = "#fff";
  pen.fillText(text, x, y);
}

function pointTitle(schema: LabelSchema, name: string): string {
  const found = schema.points.find((point) => point.name === name);
  return found?.title || name.replaceAll("_", " ");
}

export function paintMask(pen: CanvasRenderingContext2D, mask: Mask, colour: string, { scale, left, top }: Place, alpha: number): void {
  const found = decode(mask), [width, height] = [found.right - found.left, found.bottom - found.top];
  if (width <= 0 || height <= 0) return;
  pen.globalAlpha = alpha;
  pen.imageSmoothingEnabled = false;
  pen.drawImage(tinted(mask, colour), found.left * scale + left, found.top * scale + top, width * scale, height * scale);
  pen.globalAlpha = 1;
}

function tinted(mask: Mask, colour: string): HTMLCanvasElement {
  const known = pictures.get(mask)?.get(colour);
  if (known) return known;
  const { bits, left, top, right, bottom } = decode(mask), stride = mask.size[1];
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [right - left, bottom - top];
  const pen = canvas.getContext("2d") as CanvasRenderingContext2D, image = pen.createImageData(canvas.width, canvas.height);
  for (let y = top; y < bottom; y++) for (let x = left; x < right; x++) image.data[((y - top) * canvas.width + x - left) * 4 + 3] = 255 * (bits[y * stride + x] as number);
  pen.putImageData(image, 0, 0);
  pen.globalCompositeOperation = "source-in";
  pen.fillStyle = colour;
  pen.fillRect(0, 0, canvas.width, canvas.height);
  pictures.set(mask, (pictures.get(mask) ?? new Map<string, HTMLCanvasElement>()).set(colour, canvas));
  return canvas;
}
