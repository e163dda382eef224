// Times as a reader says them, durations as ranges; the same words as rcg/web/formatting.py.
const THIN = "\u2009";

export function timeLeft(progress: number, startedAt: number, now = Date.now()): string {
  if (!startedAt || progress < 0.05 || progress >= 1) return "";
  const left = ((now - startedAt) / 1000) * ((1 - progress) / progress);
  const [low, high] = [0.7 * left, 1.4 * left];
  if (high < 2) return "a moment left";
  if (high < 90) return `${Math.max(1, Math.round(low))} to ${Math.round(high)}${THIN}s left`;
  return `${Math.max(1, Math.round(low / 60))} to ${Math.ceil(high / 60)}${THIN}min left`;
}

const exact = new Intl.DateTimeFormat(document.documentElement.lang, { dateStyle: "medium", timeStyle: "short" });
const relative = new Intl.RelativeTimeFormat(document.documentElement.lang, { numeric: "auto" });

export function ago(milliseconds: number, now = Date.now()): string {
  const seconds = (milliseconds - now) / 1000;
  const size = Math.abs(seconds);
  if (size < 45) return "just now";
  if (size < 3600) return relative.format(Math.round(seconds / 60), "minute");
  if (size < 86_400) return relative.format(Math.round(seconds / 3600), "hour");
  if (size < 7 * 86_400) return relative.format(Math.round(seconds / 86_400), "day");
  return exact.format(milliseconds);
}

/** Rewrites every <time data-ms> below root into words. */
export function retell(root: ParentNode = document): void {
  for (const time of root.querySelectorAll<HTMLTimeElement>("time[data-ms]")) {
    const at = Number(time.dataset["ms"]);
    time.textContent = ago(at);
    time.title = exact.format(at);
  }
}

export function bytes(count: number): string {
  let value = count;
  for (const unit of ["B", "kB", "MB", "GB"]) {
    if (value < 1000) return `${unit === "B" || value >= 100 ? value.toFixed(0) : value.toFixed(1)}${THIN}${unit}`;
    value /= 1000;
  }
  return `${value.toFixed(1)}${THIN}TB`;
}
