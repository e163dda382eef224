// Where a rig's lights are: the same shapes as rcg/capture/lights/places.py. x right, y up, z to the camera; millimetres.
export type Vector = [number, number, number];
export type Places =
  | { kind: "ring"; count: number; radius_mm: number; height_mm?: number | null; elevation_deg?: number | null; first_deg: number }
  | { kind: "positions"; positions_mm: Vector[] }
  | { kind: "directions"; directions: Vector[] }
  | { kind: "named"; count: number; elevation_deg: number };

const rad = (degrees: number): number => (degrees * Math.PI) / 180;

function ring(count: number, radius: number, height: number, first: number): Vector[] {
  return Array.from({ length: count }, (_, index) => {
    const angle = rad(first + (360 * index) / count);
    return [radius * Math.sin(angle), radius * Math.cos(angle), height];
  });
}

/** Where to draw the lights; `true_mm` where that is where they are. */
export function drawn(places: Places): { at: Vector[]; true_mm: boolean } {
  if (places.kind === "positions") return { at: places.positions_mm, true_mm: true };
  if (places.kind === "ring") {
    const height = places.height_mm ?? places.radius_mm * Math.tan(rad(places.elevation_deg ?? 0));
    return { at: ring(places.count, places.radius_mm, height, places.first_deg), true_mm: true };
  }
  if (places.kind === "directions") {
    const far = places.directions.map((vector) => {
      const length = Math.hypot(...vector) || 1;
      return vector.map((value) => (150 * value) / length) as Vector;
    });
    return { at: far, true_mm: false };
  }
  const height = 150 * Math.sin(rad(places.elevation_deg)), radius = 150 * Math.cos(rad(places.elevation_deg));
  return { at: ring(places.count, radius, height, 0), true_mm: false };
}

export const elevation = ([x, y, z]: Vector): number => (Math.atan2(z, Math.hypot(x, y)) * 180) / Math.PI;
