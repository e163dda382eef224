// What rcg/datasets/schema.py says, in the page's words. Coordinates are pixels of the item's grid, x right, y down.
export type XY = [number, number];
export type Ring = XY[];
export interface Box { type: "box"; x: number; y: number; width: number; height: number }
export interface Part { outer: Ring; holes: Ring[] }
export interface Polygon { type: "polygon"; parts: Part[] }
export interface Mask { type: "mask"; size: [number, number]; counts: string }
export interface Quad { type: "quad"; corners: [XY, XY, XY, XY] }
export interface KeyPoint { name: string; x: number; y: number; visible: 0 | 1 | 2 }
export interface Points { type: "points"; points: KeyPoint[]; box: Box | null }
export type Shape = Box | Polygon | Mask | Quad | Points;
export type Value = string | number | boolean | null;

export interface Annotation {
  id: string; label: string; shape: Shape; attributes: Record<string, Value>; crowd: boolean;
  source: "person" | "model" | "import" | "render"; state: "accepted" | "predicted";
  score: number | null; model: string | null; extra: Record<string, unknown>;
}

export type ToolName = "select" | "box" | "polygon" | "hole" | "quad" | "points";
export interface LabelClass { name: string; title: string; description: string; colour: number; tool: "box" | "polygon" | "quad" | "points" }
export interface PointDef { name: string; title: string }
export interface Attribute { name: string; title: string; type: "choice" | "number" | "text" | "flag"; choices: string[]; unit: string; classes: string[] }
export interface LabelSchema { task: "instance" | "points"; classes: LabelClass[]; points: PointDef[]; skeleton: [string, string][]; attributes: Attribute[] }

export type LabelState = "unlabelled" | "predicted" | "labelled";
export interface Layer { name: string; role: string; url: string | null }
export interface Item {
  id: string; name: string; width: number; height: number; px_per_mm: number | null; state: "pending" | "ready" | "broken"; problem: string;
  label_state: LabelState; annotations: number; thumbnail: string | null; layers: Layer[]; revision: number;
}
export interface StepRef { op_id: string; words: string }
export interface Sheet { revision: number; label_state: LabelState; annotations: Annotation[]; undo: StepRef | null; redo: StepRef | null }
export interface Progress {
  items: number; labelled: number; predicted: number; unlabelled: number; predictions: number; total: number;
  index: number | null; previous: string | null; next: string | null; next_open: string | null;
}

export type Edit = { op_id: string; kind: "add" | "change"; annotations: Annotation[] } | { op_id: string; kind: "remove"; ids: string[] };
export interface Replay { op_id: string; kind: "undo" | "redo"; target: string | null }
export interface Mark { op_id: string; kind: "set_state"; label_state: "labelled" | "unlabelled" }
export type Op = Edit | Replay | Mark;

export const isReplay = (op: Op): op is Replay => op.kind === "undo" || op.kind === "redo";
export const newId = (): string => crypto.randomUUID().replaceAll("-", "");
export const titleOf = (thing: { name: string; title: string }): string => thing.title || thing.name.replaceAll("_", " ");
