"""Run by another interpreter, in which datumaro is installed: its COCO export of a version's polygons.

``PYTHON datumaro_peer.py MANIFEST FOLDER`` prints CPU seconds of the export alone and the peak memory of the
process in MB. The items are built in memory before the clock starts.
"""

from __future__ import annotations

import importlib
import json
import resource
import sys
import time
from pathlib import Path
from typing import Any


def items(manifest: str, datumaro: Any) -> list[Any]:
    """Return the version's items as datumaro's."""
    found: list[Any] = []
    with Path(manifest).open(encoding="utf-8") as lines:
        next(lines)
        for line in lines:
            item = json.loads(line)
            number = len(found) * 1000
            shapes = [
                datumaro.Polygon(
                    [value for point in one["shape"]["parts"][0]["outer"] for value in point],
                    label=0,
                    id=number + at + 1,
                    group=number + at + 1,
                )
                for at, one in enumerate(item["annotations"])
            ]
            image = datumaro.Image.from_file(path=item["name"], size=(item["height"], item["width"]))
            found.append(
                datumaro.DatasetItem(id=item["name"], subset="train", media=image, annotations=shapes)
            )
    return found


def main(manifest: str, folder: str) -> None:
    """Export once and print what it took."""
    datumaro = importlib.import_module("datumaro")
    classes = {datumaro.AnnotationType.label: datumaro.LabelCategories.from_iterable(["dent"])}
    data = datumaro.Dataset.from_iterable(items(manifest, datumaro), categories=classes)
    began = time.process_time()
    data.export(folder, "coco_instances", save_media=False)
    seconds = time.process_time() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    memory = peak / 2**20 if sys.platform == "darwin" else peak / 2**10
    sys.stdout.write(f"{seconds} {memory}\n")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
