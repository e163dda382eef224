"""``rcg bench datasets``: exporting, importing, splitting and judging datasets of many polygons.

Every figure of CPU time and memory comes from a process of its own. The peers are json.load of the file that
comes out and, where an interpreter is named in which it is installed, datumaro (no dependency of RCG).
"""

from __future__ import annotations

import contextlib
import io
import json
import multiprocessing
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path

from pycocotools.coco import COCO

from rcg.bench import datumaro_peer
from rcg.bench.table import Table
from rcg.datasets import formats
from rcg.datasets.health import check
from rcg.datasets.kinds import shipped
from rcg.datasets.manifest import Header, ItemRecord, LayerRef, Manifest, write
from rcg.datasets.schema import Annotation, Part, Polygon
from rcg.datasets.splits import balance
from rcg.errors import InputError

Say = Callable[[str], None]
PER_ITEM = 10
POINTS = 8
_ROUNDS = 5
_DATUMARO_ROUNDS = 3


def bench_datasets(items: int, datumaro: Path | None = None, say: Say = lambda _: None) -> Table:
    """Measure on a made dataset.

    Args:
        items: of it, ten polygons of eight points each; 100,000 make a million.
        datumaro: a Python interpreter that has datumaro, to measure its export beside ours; None: left out.
        say: told what is going on.
    """
    table = Table(f"rcg bench datasets ({items:,} items, {items * PER_ITEM:,} polygons)")
    with tempfile.TemporaryDirectory(prefix="rcg-bench-") as folder:
        manifest = Path(folder) / "manifest.jsonl"
        say("Making the dataset ...")
        write_manifest(manifest, items)
        _formats(table, manifest, Path(folder), say)
        if datumaro is not None:
            say("Exporting with datumaro ...")
            _datumaro(table, datumaro, manifest, Path(folder))
        _judging(table, manifest, items, say)
    return table


def _formats(table: Table, manifest: Path, folder: Path, say: Say) -> None:
    out = folder / "coco"
    coco = out / "annotations/instances_train.json"
    best: dict[str, float] = {}
    for at in range(_ROUNDS):
        say(f"Exporting and loading, round {at + 1} of {_ROUNDS} ...")
        for name, work in (("export", _export), ("json.load", _json_load)):
            seconds, best[f"{name} MB"] = _apart(work, manifest, out if name == "export" else coco)
            best[name] = min(best.get(name, seconds), seconds)
    say("Reading back ...")
    read_s, read_mb = _apart(_read, manifest, out)
    pycoco_s, pycoco_mb = _apart(_pycocotools, manifest, coco)
    table.add("COCO file", coco.stat().st_size / 1e6, "MB")
    table.add("COCO export", best["export"], "CPU s", "", f"best of {_ROUNDS}")
    table.add("COCO export, peak memory", best["export MB"], "MB", "<= 150")
    table.add("json.load of that file", best["json.load"], "CPU s", "", f"best of {_ROUNDS}; the peer")
    table.add("json.load, peak memory", best["json.load MB"], "MB")
    table.add("export against json.load", best["export"] / best["json.load"], "x")
    table.add("COCO import, every annotation checked", read_s, "CPU s")
    table.add("COCO import, peak memory", read_mb, "MB")
    table.add("pycocotools COCO(file)", pycoco_s, "CPU s")
    table.add("pycocotools, peak memory", pycoco_mb, "MB")


def _datumaro(table: Table, python: Path, manifest: Path, folder: Path) -> None:
    """Turn by turn, ours before and after each of theirs: a computer is not equally fast all the time."""
    ours, theirs, peak = [_apart(_export, manifest, folder / "ours")[0]], [], 0.0
    for at in range(_DATUMARO_ROUNDS):
        done = subprocess.run(
            [python, "-I", datumaro_peer.__file__, manifest, folder / f"datumaro-{at}"],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode:
            raise InputError(
                f"{python} did not export with datumaro: {done.stderr.strip()[-300:]}",
                "Give the interpreter of an environment in which datumaro is installed.",
            )
        seconds, peak = (float(value) for value in done.stdout.split()[-2:])
        theirs.append(seconds)
        ours.append(_apart(_export, manifest, folder / "ours")[0])
    beside = [2 * one / (ours[at] + ours[at + 1]) for at, one in enumerate(theirs)]
    table.add("datumaro's COCO export", min(theirs), "CPU s", "", f"best of {_DATUMARO_ROUNDS}")
    table.add("datumaro, peak memory", peak, "MB")
    note = f"mean of {_DATUMARO_ROUNDS} turns, each beside ours before and after it"
    table.add("export, less CPU than datumaro", statistics.mean(beside), "x", ">= 10", note)


def _judging(table: Table, manifest: Path, items: int, say: Say) -> None:
    say("Judging ...")
    health_s, health_mb = _apart(_health, manifest, manifest)
    split_s, split_mb = _apart(_split, manifest, Path(str(items)))
    table.add("health of every item", health_s, "CPU s")
    table.add("health, peak memory", health_mb, "MB")
    table.add("split by card, one card for two items", split_s, "CPU s")
    table.add("split, peak memory", split_mb, "MB")


def write_manifest(path: Path, items: int) -> None:
    """Write a version of items with ten polygons each, the same for the same count."""

    kind = shipped()["surface_damage"]
    rng = random.Random(7)

    def ring() -> list[tuple[float, float]]:
        x, y = rng.uniform(60, 940), rng.uniform(60, 1340)
        return [
            (round(x + rng.uniform(-50, 50), 2), round(y + rng.uniform(-50, 50), 2)) for _ in range(POINTS)
        ]

    def record(at: int) -> ItemRecord:
        found = [
            Annotation.model_construct(
                id=f"{at * PER_ITEM + k:032x}",
                label="dent",
                shape=Polygon.model_construct(parts=[Part.model_construct(outer=ring(), holes=[])]),
            )
            for k in range(PER_ITEM)
        ]
        layer = LayerRef(name="colour", role="colour", sha256=f"{at:064x}", media_type="image/jpeg")
        return ItemRecord.model_construct(
            id=f"{at:032x}", name=f"cards/{at}.jpg", width=1000, height=1400, card=f"card {at // 2}",
            split="train", layers=[layer], annotations=found,
        )  # fmt: skip

    header = Header(
        dataset="bench", kind=kind.name, number=1, label_schema=kind.label_schema, items=items
    )  # fmt: skip
    with path.open("wb") as file:
        write(header, (record(at) for at in range(items)), file)


def _export(manifest: Path, out: Path) -> None:

    source = formats.ManifestSource(manifest, manifest.with_name)
    formats.export("coco_json", source, out, images=False, layers=False)


def _json_load(_manifest: Path, path: Path) -> None:
    with path.open("rb") as file:
        json.load(file)


def _pycocotools(_manifest: Path, path: Path) -> None:

    with contextlib.redirect_stdout(io.StringIO()):
        COCO(str(path))


def _read(_manifest: Path, folder: Path) -> None:

    for _ in formats.read(folder).items:
        pass


def _health(manifest: Path, _: Path) -> None:

    kind = shipped()["surface_damage"]
    check(Manifest(manifest), kind.label_schema, kind)


def _split(_manifest: Path, items: Path) -> None:

    balance(f"card {at // 2}" for at in range(int(str(items))))


def _apart(work: Callable[[Path, Path], None], manifest: Path, path: Path) -> tuple[float, float]:
    """Run work in a process of its own; return its CPU seconds and its peak memory in MB."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe(duplex=False)
    process = context.Process(target=_child, args=(work, manifest, path, there))
    process.start()
    there.close()
    try:
        seconds, peak = here.recv()
    except EOFError:
        raise RuntimeError(f"{work.__name__} failed; its error stands above.") from None
    finally:
        process.join()
    return seconds, peak


def _child(work: Callable[[Path, Path], None], manifest: Path, path: Path, out: Connection) -> None:
    began = time.process_time()
    work(manifest, path)
    seconds = time.process_time() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    out.send((seconds, peak / 2**20 if sys.platform == "darwin" else peak / 2**10))
