"""Reading pictures into a dataset: in order with any number of threads; a full disk is no fault of theirs."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from rcg.datasets.kinds import shipped
from rcg.errors import UnavailableError
from rcg.jobs import dataset_import, ingest
from rcg.jobs.ahead import decoders
from rcg.store.blobs import BlobStore
from rcg.store.transfers import Transfers

COUNT = 30
BROKEN = {4, 17}


class Context:
    job_id = "a"
    attempt = 1

    def __init__(self, folder, threads):
        self.data_dir, self.threads = folder, threads
        self.scratch = folder / "scratch"
        self.scratch.mkdir(parents=True)
        self.said, self.lines = [], []

    def progress(self, fraction, message=""):
        self.said.append(fraction)

    def log(self, text, level="info"):
        self.lines.append(text)


def picture(number):
    if number in BROKEN:
        return b"\x89PNG\r\n\x1a\nand then nothing"
    pixels = np.full((240, 230, 3), 8 * number, np.uint8)
    return cv2.imencode(".png", pixels)[1].tobytes()


@pytest.fixture(params=[1, 4], ids=["one thread", "four"])
def context(tmp_path, request, monkeypatch):
    monkeypatch.setenv("RCG_HOME", str(tmp_path))
    return Context(tmp_path / "data", request.param)


@pytest.fixture
def uploaded(context):
    blobs = BlobStore(context.data_dir / "blobs")
    files = []
    for number in range(COUNT):
        info = blobs.add(picture(number))
        files.append({"item_id": f"i{number}", "name": f"{number}.png", "sha256": info.sha256,
                      "media_type": "image/png", "remark": ""})  # fmt: skip
    return {"dataset_id": "d", "files": files}


@pytest.fixture
def folder(context, tmp_path):
    there = tmp_path / "pictures"
    there.mkdir()
    for number in range(COUNT):
        (there / f"{number:02}.png").write_bytes(picture(number))
    transfer = Transfers(context.data_dir).of("t")
    transfer.mkdir(parents=True)
    (transfer / "known.jsonl").touch()
    schema = shipped()["surface_damage"].label_schema.model_dump(mode="json")
    return {
        "dataset_id": "d",
        "transfer": "t",
        "folder": str(there),
        "format": "auto",
        "label_schema": schema,
    }


def full(self, data):
    raise UnavailableError("The disk is full.", "Make room.")


def test_uploads_are_read_in_order_and_the_broken_ones_noted(context, uploaded):
    rows = ingest.compute(context, uploaded)["items"]
    assert [row["id"] for row in rows] == [f"i{number}" for number in range(COUNT)]
    assert {at for at, row in enumerate(rows) if row["state"] == "broken"} == BROKEN
    assert all(row["width"] == 230 and row["height"] == 240 for row in rows if row["state"] == "ready")
    assert len({row["thumbnail"] for row in rows if row["state"] == "ready"}) == COUNT - len(BROKEN)
    assert context.said == sorted(context.said)
    assert len(context.lines) == len(BROKEN)


def test_an_import_keeps_the_order_of_its_folder_and_counts_the_broken_ones(context, folder):
    result = dataset_import.compute(context, folder)
    names = [
        json.loads(line)["name"]
        for path in result["rows"]
        for line in Path(path).read_text("utf-8").splitlines()
    ]
    assert names == [f"{number:02}.png" for number in range(COUNT) if number not in BROKEN]
    assert [(row["what"], row["count"]) for row in result["loss"]] == [(dataset_import.UNREADABLE, 2)]
    assert context.said == sorted(context.said)


@pytest.mark.parametrize(
    ("compute", "spec"), [(ingest.compute, "uploaded"), (dataset_import.compute, "folder")]
)
def test_a_full_disk_stops_the_job_and_marks_no_picture(context, compute, spec, request, monkeypatch):
    order = request.getfixturevalue(spec)
    monkeypatch.setattr(BlobStore, "add", full)
    with pytest.raises(UnavailableError, match="full"):
        compute(context, order)


def test_one_reader_waits_for_the_disk_and_large_pictures_do_not_fill_the_memory():
    assert [decoders(threads) for threads in (1, 2, 7, 8, 64)] == [2, 3, 8, 8, 8]
