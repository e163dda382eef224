// What the drawing shows of a session: shapes as they would become while they are moved, the selected ones apart.
import type { Scene } from "./drawing";
import type { Session } from "./session";
import type { SelectTool } from "./tools/select";
import type { Tool } from "./tools/tool";
import type { Annotation, XY } from "./types";

export class SceneOf {
  private shown: Annotation[] = [];
  private apart = "";
  private others: Annotation[] = [];

  /** The list of others stays the same until something changes, so that thousands are not drawn for a moving pointer. */
  of(session: Session, tool: Tool, select: SelectTool, cursor: XY | null): Scene {
    const { draft } = tool, preview = [...(draft?.shapes ?? []), ...session.moving], moved = new Map(preview.map((one) => [one.id, one]));
    const apart = new Set([...session.chosen, ...moved.keys()]), key = [...apart].join();
    if (this.shown !== session.shown || this.apart !== key) {
      [this.shown, this.apart] = [session.shown, key];
      this.others = session.shown.filter((one) => !apart.has(one.id));
    }
    const selected = [...session.selection.map((one) => moved.get(one.id) ?? one), ...preview.filter((one) => !session.chosen.includes(one.id))];
    const drawing = tool.name !== "select", hovered = drawing || session.chosen.includes(select.hovered ?? "") ? null : select.hovered;
    return { others: this.others, selected: session.habits.hidden ? [] : selected, vertex: session.vertex, hovered, draft, cursor, editable: !drawing || tool.name === "points" };
  }
}
