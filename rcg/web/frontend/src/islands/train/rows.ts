// The rows of a run, as its event log and the live stream both give them (rcg/training/events.py).
export interface Row { seq: number; attempt: number; t: number; kind: string; [key: string]: unknown }
export type Point = [number, number];
export interface Shape {
  type: "box" | "polygon" | "mask" | "quad" | "points";
  x?: number; y?: number; width?: number; height?: number;
  parts?: { outer: Point[]; holes?: Point[][] }[];
  size?: [number, number]; counts?: string;
  corners?: Point[];
  points?: { name: string; x: number; y: number; visible?: number }[];
}
export interface Annotation { id?: string; label: string; shape: Shape; score?: number | null; state?: string }
export interface Sample {
  step: number; index: number; item: string; name: string; file: string; width: number; height: number;
  truth: Annotation[]; predicted: Annotation[];
}
export type Figures = Record<string, number | null>;
export interface Evaluation {
  step: number; metrics: Figures; perClass: Record<string, Figures>; interval: Record<string, [number, number]>;
  seconds: number | null; best: boolean;
}
export interface LogLine { t: number; level: string; text: string; action?: string }
export interface Mark { step: number; kind: "resumed" | "extended" | "paused"; text: string }

export const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === "object" && value !== null && !Array.isArray(value);
export const num = (value: unknown): number | null => (typeof value === "number" && Number.isFinite(value) ? value : null);
export const str = (value: unknown, otherwise = ""): string => (typeof value === "string" ? value : otherwise);
export const list = <T>(value: unknown): T[] => (Array.isArray(value) ? (value as T[]) : []);

export function figures(value: unknown): Figures {
  return isRecord(value) ? Object.fromEntries(Object.entries(value).map(([key, each]) => [key, num(each)])) : {};
}

/** As a run's log is kept by the server, a row may lack what it did not measure; nothing is made up for it. */
export function evaluation(row: Row): Evaluation {
  const classes = isRecord(row["per_class"]) ? row["per_class"] : {};
  const interval: Record<string, [number, number]> = {};
  for (const [key, value] of Object.entries(isRecord(row["interval"]) ? row["interval"] : {})) {
    const [low, high] = Array.isArray(value) ? value.map(num) : [null, null];
    if (typeof low === "number" && typeof high === "number") interval[key] = [low, high];
  }
  return {
    step: num(row["step"]) ?? 0, metrics: figures(row["metrics"]), interval, seconds: num(row["seconds"]), best: row["best"] === true,
    perClass: Object.fromEntries(Object.entries(classes).map(([name, value]) => [name, figures(value)])),
  };
}

export function sample(row: Row): Sample {
  return {
    step: num(row["step"]) ?? 0, index: num(row["index"]) ?? 0, item: str(row["item"]), name: str(row["name"]), file: str(row["file"]),
    width: num(row["width"]) ?? 0, height: num(row["height"]) ?? 0, truth: list(row["truth"]), predicted: list(row["predicted"]),
  };
}
