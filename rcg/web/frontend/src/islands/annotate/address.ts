// Item, layer, place and selection in the address: reload, share and the back button work.
export interface Look { layer: string | null; at: { x: number; y: number; scale: number } | null; shapes: string[] }

export function readLook(search: string): Look {
  const wish = new URLSearchParams(search), numbers = (wish.get("at") ?? "").split(",").map(Number);
  const [x = NaN, y = NaN, scale = NaN] = numbers;
  const at = numbers.length === 3 && numbers.every(Number.isFinite) && scale > 0 ? { x, y, scale } : null;
  return { layer: wish.get("layer"), at, shapes: (wish.get("shape") ?? "").split(",").filter((id) => /^[0-9a-f]{32}$/.test(id)) };
}

export function writeLook(look: Look): string {
  const wish = new URLSearchParams();
  if (look.layer) wish.set("layer", look.layer);
  if (look.at) wish.set("at", [look.at.x.toFixed(1), look.at.y.toFixed(1), Number(look.at.scale.toPrecision(4))].join(","));
  if (look.shapes.length && look.shapes.length <= 10) wish.set("shape", look.shapes.join(","));
  const text = wish.toString().replaceAll("%2C", ",").replaceAll("%3A", ":");
  return text ? `?${text}` : "";
}
