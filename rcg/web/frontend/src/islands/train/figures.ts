// Figures as a reader needs them: sensible digits, a thin space before the unit, "-" where there is none.
const THIN = "\u2009";
const fixed = (value: number, digits: number): string => `${value < 0 ? "\u2212" : ""}${Math.abs(value).toFixed(digits)}`;

export function figure(value: number | null | undefined, digits = 3): string {
  return typeof value === "number" && Number.isFinite(value) ? fixed(value, digits) : "-";
}

/** Three significant digits, powers of ten where zeros would hide them. */
export function short(value: number | null | undefined): string {
  if (typeof value !== "number" || !Number.isFinite(value)) return "-";
  const size = Math.abs(value);
  if (size === 0) return "0";
  if (size >= 1000) return Math.round(value).toLocaleString("en").replaceAll(",", THIN);
  if (size >= 0.001) return fixed(value, size >= 100 ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : size >= 0.1 ? 3 : size >= 0.01 ? 4 : 5).replace(/(\.\d*?)0+$/, "$1").replace(/\.$/, "");
  const power = Math.floor(Math.log10(size));
  return `${fixed(value / 10 ** power, 1)}e\u2212${-power}`;
}

export const unit = (value: number | null | undefined, symbol: string, digits = 2): string => {
  const text = figure(value, digits);
  return text === "-" ? text : `${text}${THIN}${symbol}`;
};
export const percent = (share: number | null | undefined, digits = 0): string => (typeof share === "number" ? unit(100 * share, "%", digits) : "-");

export function seconds(value: number | null | undefined): string {
  if (typeof value !== "number" || !Number.isFinite(value)) return "-";
  if (value < 1) return `${fixed(value, 2)}${THIN}s`;
  if (value < 10) return `${fixed(value, 1)}${THIN}s`;
  const whole = Math.round(value);
  if (whole < 60) return `${whole}${THIN}s`;
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return `${minutes}${THIN}min${minutes < 10 && whole % 60 ? ` ${whole % 60}${THIN}s` : ""}`;
  return `${Math.floor(minutes / 60)}${THIN}h${minutes % 60 ? ` ${minutes % 60}${THIN}min` : ""}`;
}

/** A duration that is not known exactly: "1 to 2 min". */
export function range(low: number | null, high: number | null): string {
  if (low === null || high === null) return "-";
  if (high < 2) return "a moment";
  if (high < 90) return low < high - 1 ? `${Math.max(1, Math.round(low))} to ${Math.round(high)}${THIN}s` : `${Math.round(high)}${THIN}s`;
  const [from, to, symbol] = high < 5400 ? [Math.max(1, Math.round(low / 60)), Math.ceil(high / 60), "min"] as const : [low / 3600, high / 3600, "h"] as const;
  const say = (value: number): string => (symbol === "h" ? fixed(value, 1) : String(value));
  return say(from) === say(to) ? `${say(to)}${THIN}${symbol}` : `${say(from)} to ${say(to)}${THIN}${symbol}`;
}

const SMALL = new Set(["ap", "iou", "map", "pck", "auroc"]);
/** "mask_ap50" as "mask AP50"; the names of metrics are short for those who know them. */
export function metricTitle(name: string): string {
  return name.replaceAll("/", " ").replaceAll("_", " ").split(" ")
    .map((word) => (SMALL.has(word.replace(/[\d.@]+$/, "").toLowerCase()) ? word.toUpperCase().replace("MAP", "mAP") : word)).join(" ");
}

export const words = (identifier: string): string => identifier.replaceAll("_", " ");
export function sentence(identifier: string): string {
  const text = words(identifier);
  return text.slice(0, 1).toUpperCase() + text.slice(1);
}
