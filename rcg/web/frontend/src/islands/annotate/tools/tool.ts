// What tools see of the page, and what the page asks of tools. No tool knows of the document, pointers or keys.
import type { Vertex } from "../geometry";
import type { Annotation, LabelSchema, Shape, ToolName, XY } from "../types";

export interface Mods { shift: boolean; alt: boolean; touch: boolean }

/** The page as a tool sees it: coordinates are image pixels, `scale` is screen pixels per image pixel. */
export interface Desk {
  readonly width: number;
  readonly height: number;
  readonly scale: number;
  readonly schema: LabelSchema;
  readonly label: string;
  readonly selection: Annotation[];
  readonly vertex: Vertex | null;
  readonly shown: Annotation[];
  select(ids: string[], vertex?: Vertex | null): void;
  add(shape: Shape): void;
  change(shapes: Annotation[]): void;
  remove(ids: string[]): void;
  say(text: string): void;
}

/** What is being drawn: lines and points that are no shape yet, and shapes as they would become. */
export interface Draft {
  ring?: XY[];
  closed?: boolean;
  marks?: { at: XY; text: string }[];
  shapes?: Annotation[];
  band?: { from: XY; to: XY };
  /** what comes next, in words */
  next?: string;
}

export interface Tool {
  readonly name: ToolName;
  readonly draft: Draft | null;
  hover(at: XY, mods: Mods): void;
  click(at: XY, mods: Mods): void;
  double?(at: XY): void;
  /** Whether a drag that begins here is the tool's own; otherwise it pans. */
  grab(at: XY, mods: Mods): boolean;
  drag(at: XY, mods: Mods): void;
  drop(at: XY, mods: Mods): void;
  /** Forgets a drag, because a second finger came: what was drawn before stays. */
  abort(): void;
  /** Ends what is being drawn as a shape. False when there is nothing to end. */
  finish(): boolean;
  /** Takes the last point back. False when there is none. */
  back(): boolean;
  /** Gives up what is being drawn. False when there is nothing. */
  cancel(): boolean;
  cursor(at: XY, mods: Mods): string;
}

/** How near is near: in image pixels. */
export const reach = (desk: Desk, mods: Mods): number => (mods.touch ? 18 : 8) / desk.scale;
