// What every key does.
import type { Annotator } from "./app";
import type { Binding } from "./keys";
import type { ToolName } from "./types";

const ARROWS: [string, number, number][] = [["arrowleft", -1, 0], ["arrowright", 1, 0], ["arrowup", 0, -1], ["arrowdown", 0, 1]];

export function bindings(app: Annotator): Binding[] {
  const found: Binding[] = [];
  const add = (group: string, words: string, keys: string[], run?: Binding["run"], shown?: string[]): void => { found.push({ group, words, keys, ...(run ? { run } : {}), ...(shown ? { shown } : {}) }); };
  const tool = (name: ToolName, key: string, words: string): void => { if (app.offers(name)) add("Tools", words, [key], () => app.useTool(name)); };
  tool("select", "v", "select and change");
  tool("box", "b", "box: drag, or two corners");
  tool("polygon", "p", "polygon: points, or drag freehand");
  tool("hole", "h", "hole in the selected polygon");
  tool("quad", "q", "card corners: four points, or drag");
  tool("points", "k", "points, in the order of their names");
  add("Tools", "finish the shape", ["f"], () => app.finish(), ["f", "enter"]);
  add("Tools", "take the last point back", ["backspace"], () => app.back());
  add("Tools", "give up, then let go", ["escape"], () => app.escape());
  add("Tools", "hold: move the picture", [], undefined, ["space"]);

  add("Without a mouse", "with a drawing tool: move the cross", ARROWS.map(([key]) => key), (event) => app.arrow(event), ["arrows"]);
  add("Without a mouse", "further; one pixel", ARROWS.flatMap(([key]) => [`shift+${key}`, `alt+${key}`]), (event) => app.arrow(event), ["shift+arrows", "alt+arrows"]);
  add("Without a mouse", "place a point at the cross", [], undefined, ["enter"]);
  add("Without a mouse", "with a selection: move it by 1, 10, 0.1 px", [], undefined, ["arrows", "shift+arrows", "alt+arrows"]);
  add("Without a mouse", "next, previous shape", ["."], () => app.session?.step(1), [".", ","]);
  found.push({ group: "", words: "", keys: [","], run: () => app.session?.step(-1) });
  add("Without a mouse", "next, previous point of it", ["e"], () => app.session?.stepVertex(1), ["e", "shift+e"]);
  found.push({ group: "", words: "", keys: ["shift+e"], run: () => app.session?.stepVertex(-1) });

  add("Shapes", "undo", ["ctrl+z"], () => app.session?.replay("undo"));
  add("Shapes", "do again", ["ctrl+shift+z", "ctrl+y"], () => app.session?.replay("redo"));
  add("Shapes", "delete the point or what is selected", ["delete"], () => app.session?.erase());
  add("Shapes", "put a point after the chosen one", ["i"], () => app.session?.insert());
  add("Shapes", "duplicate", ["d", "ctrl+d"], () => app.session?.duplicate());
  add("Shapes", "copy the shapes of the item before", ["c"], () => void app.copyPrevious());
  add("Shapes", "select all", ["ctrl+a"], () => app.session?.selectAll());
  if (app.offers("polygon")) add("Shapes", "mask, box or quad becomes a polygon", ["u"], () => app.session?.toPolygon());
  if (app.offers("quad")) add("Shapes", "quad: next corner is top left", ["o"], () => app.session?.turn());
  if (app.offers("points")) add("Shapes", "point: seen or hidden", ["x"], () => app.session?.toggleHidden());
  add("Shapes", "hide and show shapes", ["s"], () => app.hide());

  add("Classes", "class, for the next shape or the selection", "123456789".split("").map((digit) => `shift+${digit}`), (event) => app.classAt(Number(/\d/.exec(event.code)?.[0] ?? 0)), ["shift+1 … 9"]);
  add("Classes", "to the attributes", ["t"], () => app.toAttributes());

  add("Suggestions", "accept, or go to the next", ["a"], () => app.session?.accept());
  add("Suggestions", "accept all that are shown", ["shift+a"], () => app.acceptAll());
  add("Suggestions", "reject", ["r"], () => app.session?.reject());
  add("Suggestions", "reject all that are shown", ["shift+r"], () => app.rejectAll());
  add("Suggestions", "lower, raise the score from which they are shown", ["<"], () => app.threshold(-0.05), ["<", ">"]);
  found.push({ group: "", words: "", keys: [">"], run: () => app.threshold(0.05) });

  add("Items", "labelled; go to the next open one", ["enter"], () => app.enter(), ["enter", "shift+enter"]);
  found.push({ group: "", words: "", keys: ["shift+enter"], run: () => app.done() });
  add("Items", "next", ["n", "pagedown", "ctrl+arrowright"], () => void app.walk("next"));
  add("Items", "previous", ["m", "pageup", "ctrl+arrowleft"], () => void app.walk("previous"));
  add("Items", "labelled, or not yet", ["y"], () => app.toggleLabelled());

  add("Picture", "layer; hold it to look for a moment", "123456789".split(""), undefined, ["1 … 9"]);
  add("Picture", "next, previous light", ["l"], () => app.light(1), ["l", "shift+l"]);
  found.push({ group: "", words: "", keys: ["shift+l"], run: () => app.light(-1) });
  add("Picture", "closer, further", ["+", "="], () => app.zoom(1.5), ["+", "-"]);
  found.push({ group: "", words: "", keys: ["-"], run: () => app.zoom(1 / 1.5) });
  add("Picture", "whole item", ["0"], () => app.viewer.fit());
  add("Picture", "to what is selected", ["z"], () => app.toSelection());
  add("Page", "these keys", ["?"], () => app.help());
  return found;
}

/** What arrow keys mean, in steps right and down. */
export function direction(event: KeyboardEvent): [number, number] {
  const found = ARROWS.find(([key]) => key === event.key.toLowerCase());
  return found ? [found[1], found[2]] : [0, 0];
}
