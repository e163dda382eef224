// Bundles src/ into ../static/dist with content-hashed names and a manifest that maps plain names to them.
// Run by `npm run build`, and by rcg/web/bundle.py, which passes the sources' hash and the output folder.
import { build } from "esbuild";
import { createHash } from "node:crypto";
import { copyFile, mkdir, readFile, readdir, rename, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { ICONS } from "./icons.mjs";

const here = path.dirname(fileURLToPath(import.meta.url));
const argument = (name, fallback) => {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? fallback : process.argv[at + 1];
};
const out = path.resolve(argument("out", path.join(here, "../static/dist")));
const sourceHash = argument("source-hash", "");
const fresh = `${out}.new-${process.pid}`;

await rm(fresh, { recursive: true, force: true });
await mkdir(fresh, { recursive: true });

const common = {
  bundle: true, minify: true, sourcemap: false, format: "esm", target: ["es2022", "safari16.4"],
  outdir: fresh, absWorkingDir: here, metafile: true, logLevel: "warning",
  loader: { ".woff2": "file" }, assetNames: "[name]-[hash]", chunkNames: "[name]-[hash]", legalComments: "none",
};
const pages = await build({
  ...common, entryPoints: { main: "src/main.ts", capture: "src/capture/main.ts", theme: "src/theme.ts", styles: "src/styles/main.css" },
  entryNames: "[name]-[hash]", splitting: true,
});
// The API's own page links these by their plain names, so they carry no hash.
await build({ ...common, entryPoints: { docs: "src/docs.ts" }, entryNames: "[name]" });
// A worker of its own: one file, with a hash like the pages' scripts.
const beside = await build({ ...common, entryPoints: { guide: "src/capture/guide-worker.ts" }, entryNames: "[name]-[hash]", format: "iife" });
await build({ ...common, entryPoints: { sw: "src/capture/sw.ts" }, entryNames: "[name]", format: "iife" });
await build({ ...common, entryPoints: { docs: "src/styles/docs.css" }, entryNames: "[name]" });
await mkdir(path.join(fresh, "swagger-ui"));
for (const name of ["swagger-ui-bundle.js", "swagger-ui.css"]) {
  await copyFile(path.join(here, "node_modules/swagger-ui-dist", name), path.join(fresh, "swagger-ui", name));
}

const files = {};
for (const [output, info] of [...Object.entries(pages.metafile.outputs), ...Object.entries(beside.metafile.outputs)]) {
  if (!info.entryPoint) continue;
  const name = path.basename(output);
  files[name.replace(/-[A-Z0-9]{8}(?=\.)/, "")] = name;
}
for (const name of ["docs.js", "docs.css", "swagger-ui/swagger-ui-bundle.js", "swagger-ui/swagger-ui.css"]) files[name] = name;

// What the camera's page needs to open without the server.
const shell = new Set(), queue = [files["capture.js"]];
while (queue.length) {
  const name = queue.pop();
  if (shell.has(name)) continue;
  shell.add(name);
  const output = Object.entries(pages.metafile.outputs).find(([file]) => path.basename(file) === name)?.[1];
  for (const each of output?.imports ?? []) if (each.kind === "import-statement") queue.push(path.basename(each.path));
}
for (const name of ["docs.js", "sw.js"]) files[name] = name;

const symbols = [];
for (const name of ICONS) {
  const svg = await readFile(path.join(here, "node_modules/lucide-static/icons", `${name}.svg`), "utf8");
  const body = svg.replace(/^[\s\S]*?<svg[^>]*>/, "").replace(/<\/svg>\s*$/, "").trim();
  symbols.push(`<symbol id="${name}" viewBox="0 0 24 24">${body.replace(/\s+/g, " ")}</symbol>`);
}
const sprite = `<svg xmlns="http://www.w3.org/2000/svg">${symbols.join("")}</svg>\n`;
const spriteName = `icons-${createHash("sha256").update(sprite).digest("hex").slice(0, 8).toUpperCase()}.svg`;
await writeFile(path.join(fresh, spriteName), sprite);
files["icons.svg"] = spriteName;

// Fonts, icons and code of others travel with their licences.
const licences = [];
for (const [name, file] of [
  ["@fontsource-variable/inter", "LICENSE"], ["htmx.org", "LICENSE"], ["konva", "LICENSE"], ["lucide-static", "LICENSE"],
  ["openseadragon", "LICENSE.txt"], ["swagger-ui-dist", "LICENSE"], ["uplot", "LICENSE"],
]) {
  const text = await readFile(path.join(here, "node_modules", name, file), "utf8");
  licences.push(`${name}\n${"=".repeat(name.length)}\n\n${text.trim()}\n`);
}
await writeFile(path.join(fresh, "LICENSES.txt"), licences.join("\n\n"));
files["LICENSES.txt"] = "LICENSES.txt";

await writeFile(path.join(fresh, "capture-shell.json"), JSON.stringify([...shell, files["guide.js"], files["styles.css"], files["icons.svg"]]) + "\n");
files["capture-shell.json"] = "capture-shell.json";
const outputs = (await readdir(fresh)).filter((name) => /-[A-Z0-9]{8}\./.test(name));
await writeFile(path.join(fresh, "manifest.json"), JSON.stringify({ source_hash: sourceHash, files, outputs }, null, 1) + "\n");
// Pages that are open while this builds still ask for the files of the former bundle: keep that one generation.
const former = await readFile(path.join(out, "manifest.json"), "utf8").then(JSON.parse, () => ({}));
for (const name of former.outputs ?? []) {
  if (!outputs.includes(name)) await copyFile(path.join(out, name), path.join(fresh, name)).catch(() => undefined);
}
// Put in place at the end, so that a build that stopped half-way leaves the former bundle as it was.
await rm(out, { recursive: true, force: true });
await rename(fresh, out);
console.log(`bundle: ${Object.keys(files).length} entries in ${path.relative(process.cwd(), out) || out}`);
