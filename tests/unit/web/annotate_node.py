"""The annotator's core, which knows no document, run by Node: bundled once, then asked in JSON."""

import json
import subprocess
import textwrap

from rcg.web import bundle

ENTRY = """
export * as geometry from "./geometry";
export * as ring from "./ring";
export * as rle from "./rle";
export * as model from "./model";
export * as sender from "./sender";
export * as session from "./session";
export * as address from "./address";
export { SelectTool } from "./tools/select";
export { BoxTool } from "./tools/box";
export { PolygonTool } from "./tools/polygon";
export { QuadTool } from "./tools/quad";
export { PointsTool } from "./tools/points";
"""
BUILD = """
import { build } from "esbuild";
const [, , contents, folder, out] = process.argv;
await build({ stdin: { contents, resolveDir: folder, loader: "ts" }, bundle: true, format: "esm",
              target: "es2022", outfile: out, logLevel: "error" });
"""


class Core:
    """The bundled core.

    Args:
        folder: for the bundle.
        entry: TypeScript that exports what is to be called.
        source: the folder it imports from.
    """

    def __init__(self, folder, entry=ENTRY, source="src/islands/annotate"):
        self.node, _ = bundle.find_node()
        self.core = folder / "core.mjs"
        build = folder / "build.mjs"
        build.write_text(
            BUILD.replace('"esbuild"', json.dumps(str(bundle.FRONTEND / "node_modules/esbuild/lib/main.js")))
        )
        self._run([str(build), entry, str(bundle.FRONTEND / source), str(self.core)], "")

    def __call__(self, body, **values):
        """Run the body of an async function with ``core`` and ``given`` in scope; return what it returns."""
        script = (
            f"import * as core from {json.dumps(self.core.as_uri())};\n"
            "let text = ''; for await (const part of process.stdin) text += part;\n"
            "const given = JSON.parse(text);\n"
            f"const found = await (async () => {{ {textwrap.dedent(body)} }})();\n"
            "process.stdout.write(JSON.stringify(found ?? null));"
        )
        return json.loads(self._run(["--input-type=module", "--eval", script], json.dumps(values)))

    def _run(self, arguments, text):
        done = subprocess.run(
            [str(self.node), *arguments], input=text, capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout
