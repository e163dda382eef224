// Figures of a grey picture, 0 to 255, row by row.
export interface Grey { width: number; height: number; data: Uint8Array }
export interface Box { left: number; top: number; right: number; bottom: number }

/** Luma of canvas pixels (RGBA). */
export function greyOf(pixels: { width: number; height: number; data: Uint8ClampedArray | Uint8Array }): Grey {
  const { width, height, data } = pixels;
  const grey = new Uint8Array(width * height);
  for (let i = 0, p = 0; i < grey.length; i++, p += 4) grey[i] = ((data[p] as number) * 77 + (data[p + 1] as number) * 150 + (data[p + 2] as number) * 29) >> 8;
  return { width, height, data: grey };
}

export const whole = (grey: Grey): Box => ({ left: 0, top: 0, right: grey.width, bottom: grey.height });

/** Variance of the Laplacian: high where edges are sharp. */
export function sharpness(grey: Grey, box: Box = whole(grey)): number {
  const { width, data } = grey;
  let sum = 0, squares = 0, count = 0;
  for (let y = Math.max(1, box.top); y < Math.min(grey.height - 1, box.bottom); y++) {
    for (let x = Math.max(1, box.left), i = y * width + x; x < Math.min(width - 1, box.right); x++, i++) {
      const value = 4 * (data[i] as number) - (data[i - 1] as number) - (data[i + 1] as number) - (data[i - width] as number) - (data[i + width] as number);
      sum += value; squares += value * value; count++;
    }
  }
  return count ? squares / count - (sum / count) ** 2 : 0;
}

export interface Levels { mean: number; clipped: number; dark: number }

/** Mean, and the shares that are at their brightest (250 and more) or black (5 and less). */
export function levels(grey: Grey, box: Box = whole(grey)): Levels {
  let sum = 0, clipped = 0, dark = 0, count = 0;
  for (let y = Math.max(0, box.top); y < Math.min(grey.height, box.bottom); y++) {
    for (let x = Math.max(0, box.left), i = y * grey.width + x; x < Math.min(grey.width, box.right); x++, i++) {
      const value = grey.data[i] as number;
      sum += value; count++;
      if (value >= 250) clipped++; else if (value <= 5) dark++;
    }
  }
  return count ? { mean: sum / count, clipped: clipped / count, dark: dark / count } : { mean: 0, clipped: 0, dark: 0 };
}

/** Mean absolute difference of two pictures of one size. */
export function difference(one: Grey, other: Grey): number {
  if (one.data.length !== other.data.length) return 255;
  let sum = 0;
  for (let i = 0; i < one.data.length; i++) sum += Math.abs((one.data[i] as number) - (other.data[i] as number));
  return sum / one.data.length;
}

/** Every second pixel of every second row. */
export function halved(grey: Grey): Grey {
  const width = grey.width >> 1, height = grey.height >> 1, data = new Uint8Array(width * height);
  for (let y = 0, i = 0; y < height; y++) for (let x = 0; x < width; x++, i++) data[i] = grey.data[2 * y * grey.width + 2 * x] as number;
  return { width, height, data };
}
