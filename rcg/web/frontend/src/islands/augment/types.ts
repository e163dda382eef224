// What the editor and the server speak of; the same words as rcg/datasets/augment and rcg/api/recipe_schemas.py.
export type Value = number | string | boolean;
export interface Step { op: string; p: number; on: boolean; [parameter: string]: Value }
export interface Recipe { name: string; steps: Step[]; min_visible: number }

export interface Parameter {
  name: string; title: string; description: string; type: "number" | "choice" | "flag"; default: Value;
  minimum: number | null; maximum: number | null; step: number | null; unit: string; choices: string[];
}
export interface Op { name: string; title: string; description: string; moves: boolean; roles: string[]; p: number; parameters: Parameter[] }

export interface ClassOf { name: string; title: string; colour: number }
export interface DatasetOf { id: string; name: string; kind: string; items: number; classes: ClassOf[]; skeleton: [string, string][]; recipe_id: string | null }
export interface Saved { id: string; name: string; updated_at: number; datasets: { id: string; name: string }[] }
export interface Config {
  saved: Saved | null; recipe: Recipe; ops: Op[]; datasets: DatasetOf[]; dataset: string | null; kind: string; curl: string;
}

export type XY = [number, number];
export type Shape =
  | { type: "box"; x: number; y: number; width: number; height: number }
  | { type: "polygon"; parts: { outer: XY[]; holes: XY[][] }[] }
  | { type: "quad"; corners: XY[] }
  | { type: "points"; points: { name: string; x: number; y: number; visible: number }[] }
  | { type: "mask" };
export interface Annotation { id: string; label: string; shape: Shape }
export interface Drawn { images: Record<string, string>; annotations: Annotation[]; notes: string[]; px_per_mm: number | null }
export interface Preview { width: number; height: number; scales: Record<string, string>; before: Drawn; draws: Drawn[] }

export interface LayerOf { name: string; role: string }
export interface ItemOf { id: string; name: string; layers: LayerOf[] }
export interface Problem { step: number; op: string; reason: string; hint: string }
