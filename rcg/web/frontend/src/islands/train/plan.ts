// A plan: what a run would compute, field by field, with the reason for each proposed value.
import { call } from "../../lib/api";
import { isRecord, list, num, str } from "./rows";

export interface Choice { value: unknown; title: string }
export interface Field {
  key: string; title: string; group: string; type: string; value: unknown; default: unknown;
  minimum: number | null; maximum: number | null; choices: Choice[]; unit: string; reason: string;
}
export interface Warning { text: string; action: string; field: string }
export interface Architecture { name: string; title: string; description: string; ok: boolean; reason: string }
export interface Version { id: string; number: number; note: string; train: number | null; val: number | null }
export interface Plan { spec: Record<string, unknown>; fields: Field[]; warnings: Warning[]; architectures: Architecture[]; versions: Version[] }
/** What the page asks for. */
export interface Choices { dataset: string; version: number | null; architecture: string; preset: string; set: Map<string, unknown> }

export function body(choices: Choices): Record<string, unknown> {
  return {
    dataset: choices.dataset,
    ...(choices.version === null ? {} : { version: choices.version }),
    ...(choices.architecture ? { architecture: choices.architecture } : {}),
    ...(choices.preset ? { preset: choices.preset } : {}),
    set: Object.fromEntries(choices.set),
  };
}

export async function plan(choices: Choices): Promise<Plan> {
  return read(await call<unknown>("POST", "/api/training/plan", body(choices)));
}

export function read(answer: unknown): Plan {
  const json = isRecord(answer) ? answer : {};
  return {
    spec: isRecord(json["spec"]) ? json["spec"] : {},
    fields: list<unknown>(json["fields"]).filter(isRecord).map(field),
    warnings: list<unknown>(json["warnings"]).map(warning),
    architectures: list<unknown>(json["architectures"]).filter(isRecord).map((each) => ({
      name: str(each["name"]), title: str(each["title"], str(each["name"])), description: str(each["description"]),
      ok: each["ok"] !== false && each["compatible"] !== false, reason: str(each["reason"]),
    })),
    versions: list<unknown>(json["versions"]).filter(isRecord).map(version),
  };
}

function field(json: Record<string, unknown>): Field {
  const choices = list<unknown>(json["choices"]).map((each): Choice => {
    if (Array.isArray(each)) return { value: each[0], title: String(each[1] ?? each[0]) };
    if (isRecord(each)) return { value: each["value"] ?? each["name"], title: str(each["title"], String(each["value"] ?? each["name"])) };
    return { value: each, title: String(each) };
  });
  return {
    key: str(json["key"]), title: str(json["title"], str(json["key"])), group: str(json["group"], "Other"), type: str(json["type"], "text"),
    value: json["value"], default: json["default"], minimum: num(json["minimum"]), maximum: num(json["maximum"]), choices, unit: str(json["unit"]), reason: str(json["reason"]),
  };
}

function warning(json: unknown): Warning {
  if (!isRecord(json)) return { text: String(json), action: "", field: "" };
  return { text: str(json["text"]) || str(json["title"]) || str(json["detail"]), action: str(json["action"]) || str(json["hint"]), field: str(json["field"]) };
}

function version(json: Record<string, unknown>): Version {
  const summary = isRecord(json["summary"]) ? json["summary"] : {}, splits = isRecord(summary["splits"]) ? summary["splits"] : {};
  const items = (name: string): number | null => (isRecord(splits[name]) ? num(splits[name]["items"]) : num(splits[name]));
  return { id: str(json["id"]), number: num(json["number"]) ?? 0, note: str(json["note"]), train: num(json["train"]) ?? items("train"), val: num(json["val"]) ?? items("val") };
}

/** The same value, as JSON sees it. */
export const same = (a: unknown, b: unknown): boolean => JSON.stringify(a ?? null) === JSON.stringify(b ?? null);
