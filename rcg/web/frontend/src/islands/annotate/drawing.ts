// Shapes on top of the picture. Konva keeps three canvases: all other shapes as one batch, the selected ones with what can
// be taken hold of, and what is being drawn.
import Konva from "konva/lib/Core.js";
import type { Colours } from "./colours";
import { extent, handles, type Vertex } from "./geometry";
import { type ColourOf, label, paintAll, paintMask, paintPoints, prepare, scoreOf, tag, trace, type Room } from "./paint";
import { middles } from "./tools/select";
import type { Draft } from "./tools/tool";
import { type Annotation, type LabelSchema, titleOf, type XY } from "./types";
import type { Place } from "./viewer";

export interface Scene {
  others: Annotation[];
  selected: Annotation[];
  vertex: Vertex | null;
  hovered: string | null;
  draft: Draft | null;
  cursor: XY | null;
  editable: boolean;
}
const QUICK = 7, SETTLE = 90;  // ms: a batch that is drawn as quickly is drawn at every frame; others are moved as they are, and drawn when all is still
const MANY = 400;

export class Drawing {
  private readonly stage: Konva.Stage;
  private readonly batch: Konva.Layer;
  private readonly front: Konva.Layer;
  private readonly top: Konva.Layer;
  private place: Place = { scale: 1, left: 0, top: 0 };
  private drawn: Place = this.place;
  private cost = 0;
  private settle = 0;
  private scene: Scene = { others: [], selected: [], vertex: null, hovered: null, draft: null, cursor: null, editable: true };

  constructor(container: HTMLDivElement, private readonly colours: Colours, private readonly colourOf: ColourOf, private readonly schema: LabelSchema) {
    this.stage = new Konva.Stage({ container, width: container.clientWidth, height: container.clientHeight, listening: false });
    [this.batch, this.front, this.top] = [this.layer((pen) => this.paintOthers(pen)), this.layer((pen) => this.paintSelected(pen)), this.layer((pen) => this.paintDraft(pen))];
    // Konva makes its element focusable by no key and listens to pointers; here the element around it does.
    this.stage.content.style.pointerEvents = "none";
  }

  private layer(paint: (pen: CanvasRenderingContext2D) => void): Konva.Layer {
    const layer = new Konva.Layer({ listening: false });
    layer.add(new Konva.Shape({ listening: false, perfectDrawEnabled: false, sceneFunc: (context) => { const pen = context._context; pen.save(); paint(pen); pen.restore(); } }) as never);
    this.stage.add(layer);
    return layer;
  }

  resize(room: Room): void {
    this.stage.size(room);
    this.redrawBatch();
  }

  /** Follows the picture. Called at every frame of a movement. */
  moved(place: Place): void {
    if (place.scale === this.place.scale && place.left === this.place.left && place.top === this.place.top) return;
    this.place = place;
    this.front.batchDraw();
    this.top.batchDraw();
    const factor = place.scale / this.drawn.scale;
    // What was drawn too small or too far away would be seen blurred, or not at all.
    const far = factor > 1.6 || factor < 0.6 || Math.abs(place.left - this.drawn.left * factor) > this.room.width / 2 || Math.abs(place.top - this.drawn.top * factor) > this.room.height / 2;
    if (this.cost <= QUICK || far) { this.redrawBatch(); return; }
    this.batch.getNativeCanvasElement().style.transform = `translate(${place.left - this.drawn.left * factor}px, ${place.top - this.drawn.top * factor}px) scale(${factor})`;
    clearTimeout(this.settle);
    this.settle = window.setTimeout(() => this.redrawBatch(), SETTLE);
  }

  show(scene: Scene): void {
    const others = scene.others !== this.scene.others || scene.hovered !== this.scene.hovered;
    this.scene = scene;
    if (others) this.redrawBatch();
    this.front.batchDraw();
    this.top.batchDraw();
  }

  private redrawBatch(): void {
    clearTimeout(this.settle);
    this.drawn = this.place;
    const canvas = this.batch.getNativeCanvasElement();
    canvas.style.transformOrigin = "0 0";
    canvas.style.transform = "";
    const began = performance.now();
    this.batch.draw();
    this.cost = performance.now() - began;
  }

  private get room(): Room { return { width: this.stage.width(), height: this.stage.height() }; }

  private paintOthers(pen: CanvasRenderingContext2D): void {
    paintAll(pen, this.scene.others, this.place, this.room, this.colourOf, this.colours, this.schema);
  }

  private paintSelected(pen: CanvasRenderingContext2D): void {
    const hovered = this.scene.others.find((one) => one.id === this.scene.hovered);
    if (hovered) this.outline(pen, hovered, 2.2, 0.1);
    for (const one of this.scene.selected) {
      this.outline(pen, one, 2.4, 0.2);
      if (this.scene.selected.length === 1 && this.scene.editable) this.handles(pen, one);
    }
    if (this.scene.selected.length <= 20) for (const one of this.scene.selected) tag(pen, this.words(one), extent(one.shape), this.place, this.colourOf(one.label), this.colours);
    if (hovered) tag(pen, this.words(hovered), extent(hovered.shape), this.place, this.colourOf(hovered.label), this.colours);
  }

  private words(one: Annotation): string {
    const known = this.schema.classes.find((each) => each.name === one.label), name = known ? titleOf(known) : one.label;
    return one.state === "predicted" ? `${name} ${scoreOf(one, true)}` : name;
  }

  private outline(pen: CanvasRenderingContext2D, one: Annotation, width: number, fill: number): void {
    const colour = this.colourOf(one.label);
    if (one.shape.type === "mask") { paintMask(pen, one.shape, colour, this.place, 0.7); return; }
    if (one.shape.type === "points") { paintPoints(pen, one.shape, colour, this.colours, this.place, this.schema, this.scene.vertex?.index ?? "named"); return; }
    pen.beginPath();
    trace(pen, prepare(one), this.place);
    pen.globalAlpha = fill;
    pen.fillStyle = colour;
    pen.fill("nonzero");
    pen.globalAlpha = 1;
    pen.lineJoin = "round";
    pen.strokeStyle = "rgb(0 0 0 / 0.65)";
    pen.lineWidth = width + 2.4;
    pen.stroke();
    pen.setLineDash(one.state === "predicted" ? [7, 4] : []);
    pen.strokeStyle = colour;
    pen.lineWidth = width;
    pen.stroke();
    pen.setLineDash([]);
  }

  private handles(pen: CanvasRenderingContext2D, one: Annotation): void {
    if (one.shape.type === "mask" || one.shape.type === "points") return;
    const { scale, left, top } = this.place, { width, height } = this.room;
    const seen = handles(one.shape).map(({ at, vertex }) => ({ x: at[0] * scale + left, y: at[1] * scale + top, vertex })).filter(({ x, y }) => x > -9 && y > -9 && x < width + 9 && y < height + 9);
    const size = seen.length > MANY ? 1.8 : 3.6, colour = this.colourOf(one.label), chosen = this.scene.vertex;
    pen.lineWidth = 1.5;
    for (const { at } of middles(one, scale)) {
      pen.beginPath();
      pen.arc(at[0] * scale + left, at[1] * scale + top, 2.6, 0, 7);
      pen.fillStyle = "rgb(255 255 255 / 0.55)";
      pen.fill();
    }
    for (const { x, y, vertex } of seen) {
      const hot = chosen?.ring === vertex.ring && chosen.index === vertex.index;
      pen.beginPath();
      pen.rect(x - size - (hot ? 2 : 0), y - size - (hot ? 2 : 0), 2 * size + (hot ? 4 : 0), 2 * size + (hot ? 4 : 0));
      pen.fillStyle = hot ? colour : "#fff";
      pen.fill();
      pen.strokeStyle = hot ? "#fff" : "rgb(12 14 18 / 0.9)";
      pen.stroke();
    }
    if (one.shape.type === "quad") cornerNames(one.shape.corners).forEach(({ text, at: [x, y], towards: [dx, dy] }) => label(pen, text, x * scale + left + 15 * dx - 7, y * scale + top + 15 * dy, this.colours));
  }

  private paintDraft(pen: CanvasRenderingContext2D): void {
    const { draft, cursor } = this.scene, { scale, left, top } = this.place;
    const to = ([x, y]: XY): XY => [x * scale + left, y * scale + top];
    if (draft?.ring && draft.ring.length > 0) {
      pen.beginPath();
      draft.ring.forEach((point, i) => { if (i) pen.lineTo(...to(point)); else pen.moveTo(...to(point)); });
      if (draft.closed) pen.closePath();
      for (const [style, width] of [["rgb(0 0 0 / 0.65)", 4.4], [this.colours.accent, 2]] as const) { pen.strokeStyle = style; pen.lineWidth = width; pen.stroke(); }
      if (!draft.closed) draft.ring.slice(0, MANY).forEach((point, i) => { const [x, y] = to(point); pen.fillStyle = i === 0 ? this.colours.accent : "#fff"; pen.fillRect(x - 3, y - 3, 6, 6); });
    }
    for (const mark of draft?.marks ?? []) { const [x, y] = to(mark.at); label(pen, mark.text, x + 11, y + 13, this.colours); }
    if (draft?.band) {
      const [x, y] = to(draft.band.from), [bx, by] = to(draft.band.to);
      pen.setLineDash([4, 3]);
      pen.strokeStyle = "#fff";
      pen.lineWidth = 1;
      pen.strokeRect(x, y, bx - x, by - y);
      pen.setLineDash([]);
    }
    if (!cursor) return;
    const [x, y] = to(cursor);
    for (const [style, width] of [["rgb(0 0 0 / 0.7)", 4], ["#fff", 1.5]] as const) {
      pen.beginPath();
      for (const [dx, dy] of [[1, 0], [-1, 0], [0, 1], [0, -1]] as const) { pen.moveTo(x + 4 * dx, y + 4 * dy); pen.lineTo(x + 18 * dx, y + 18 * dy); }
      pen.strokeStyle = style;
      pen.lineWidth = width;
      pen.stroke();
    }
  }
}

/** Names of a quad's corners, each with the direction to the quad's middle, where its name stands. */
function cornerNames(corners: XY[]): { text: string; at: XY; towards: XY }[] {
  const [cx, cy] = [corners.reduce((sum, [x]) => sum + x / 4, 0), corners.reduce((sum, [, y]) => sum + y / 4, 0)];
  return corners.map((at, i) => { const length = Math.hypot(cx - at[0], cy - at[1]) || 1; return { text: ["TL", "TR", "BR", "BL"][i] as string, at, towards: [(cx - at[0]) / length, (cy - at[1]) / length] }; });
}
