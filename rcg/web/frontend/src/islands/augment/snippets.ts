// The same by curl and by the command line, for the recipe as it stands.
import { one } from "../../lib/dom";
import type { DatasetOf, Recipe, Saved } from "./types";

const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

export function snippets(root: HTMLElement, curl: string, recipe: Recipe, saved: Saved | null, dataset: DatasetOf | null): void {
  const body = quoted(JSON.stringify({ recipe }));
  const path = saved ? `/api/recipes/${saved.id}` : "/api/recipes";
  const line = curl.replace("PATH", path).split(" \\\n  ");
  const last = line.pop() ?? "";
  const request = [...line, `-X ${saved ? "PUT" : "POST"} -H 'content-type: application/json'`, `-d ${body}`, last].join(" \\\n  ");
  const name = quoted(saved?.name ?? recipe.name);
  const version = `rcg dataset version ${quoted(dataset?.name ?? "DATASET")} --recipe ${name}`;
  put("#au-snippet-curl code", request, root);
  put("#au-snippet-cli code", version, root);
}

function put(selector: string, text: string, root: HTMLElement): void {
  const place = one(selector, root);
  if (place && place.textContent !== text) place.textContent = text;
}
