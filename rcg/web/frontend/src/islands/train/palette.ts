// Which colour of the palette a class has.
import { LINES } from "./ink";

export type Classes = Record<string, { title: string; colour: number }>;

/** The colour that the label schema gives a class; classes it does not know take turns. */
export function colours(classes: Classes): (label: string) => string {
  const given = new Map<string, string>();
  return (label) => {
    const known = classes[label]?.colour;
    if (known) return `class-${known}`;
    if (!given.has(label)) given.set(label, LINES[given.size % LINES.length] ?? "class-1");
    return given.get(label) ?? "class-1";
  };
}
