"""Memory stays flat: what a further item costs while a dataset is written, read and judged."""

import json
import tracemalloc

import pytest
from datasets_made import EVERYTHING

from rcg.datasets import formats
from rcg.datasets.health import check
from rcg.datasets.manifest import Header, Manifest, canonical

FEW, MANY = 200, 800
PER_ITEM = 6
BYTES_AN_ITEM = 3_000
"""for names by which images are found and hashes by which doubles are, and the interpreter's own tables"""


def annotation(at):
    ring = f"[[{at % 50}.5,{at}.25],[{at % 50 + 9}.0,3.5],[1.0,{at + 9}.75]]"
    return (
        f'{{"attributes":{{}},"crowd":false,"extra":{{}},"id":"{at:032x}","label":"dent","model":null,"score":null,'
        f'"shape":{{"parts":[{{"holes":[],"outer":{ring}}}],"type":"polygon"}},"source":"person","state":"accepted"}}'
    )


def item(at):
    layer = {"media_type": "image/png", "name": "colour", "role": "colour", "sha256": f"{at:064x}"}
    rest = {
        "card": f"card {at}", "height": 900, "id": f"{at:032x}", "labelled": True, "layers": [layer],
        "lights": {}, "margin_mm": 0.0, "name": f"sub/card {at}.png", "px_per_mm": None, "side": None,
        "split": "train", "width": 900,
    }  # fmt: skip
    found = ",".join(annotation(at * PER_ITEM + k) for k in range(PER_ITEM))
    return f'{{"annotations":[{found}],{json.dumps(rest, separators=(",", ":"))[1:]}\n'


def manifest(path, count):
    header = Header(
        dataset="d", kind="multi_modal", number=1, label_schema=EVERYTHING.label_schema, items=count
    )
    with path.open("wb") as file:
        file.write(canonical(header) + b"\n")
        file.writelines(item(at).encode() for at in range(count))
    return path


@pytest.fixture(autouse=True)
def _small_buffers(monkeypatch):
    """So that a few items fill them: what is measured is what grows."""
    monkeypatch.setattr("rcg.datasets.formats.json_stream._WINDOW", 1 << 16)
    monkeypatch.setattr("rcg.datasets.formats.coco_text.FLUSH_AT", 100)
    monkeypatch.setattr("rcg.datasets.formats.parts._BUFFER", 1 << 13)


def peak(work):
    tracemalloc.start()
    work()
    found = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return found


def growth(make):
    """Bytes that a further item costs at the peak; ``make(count)`` gives the work, once before to warm up.

    The lesser of two, as the interpreter's table of strings, which paths fill, doubles now and then.
    """
    make(20)()
    many = min(peak(make(MANY)) for _ in range(2))
    return (many - peak(make(FEW))) / (MANY - FEW)


@pytest.mark.parametrize("name", formats.FORMATS)
def test_writing_and_reading_an_item_more_costs_little(name, tmp_path):
    def writing(count):
        source = formats.ManifestSource(manifest(tmp_path / f"{count}.jsonl", count), tmp_path.joinpath)
        return lambda: formats.export(name, source, tmp_path / f"{count}", images=False, layers=False)

    def reading(count):
        def work():
            assert (
                sum(len(item.annotations) for item in formats.read(tmp_path / f"{count}").items)
                == count * PER_ITEM
            )

        return work

    assert growth(writing) < BYTES_AN_ITEM
    assert growth(reading) < BYTES_AN_ITEM


def test_judging_an_item_more_costs_little(tmp_path):
    def judging(count):
        version = Manifest(manifest(tmp_path / f"{count}.jsonl", count))
        return lambda: check(version, EVERYTHING.label_schema, EVERYTHING)

    assert growth(judging) < BYTES_AN_ITEM


def test_items_that_are_kept_would_be_seen(tmp_path):
    """A control that must cost much."""
    kept = []

    def keeping(count):
        source = formats.ManifestSource(manifest(tmp_path / f"{count}.jsonl", count), tmp_path.joinpath)
        formats.export("custom_json", source, tmp_path / f"{count}", images=False, layers=False)
        return lambda: kept.append(list(formats.read(tmp_path / f"{count}").items))

    assert growth(keeping) > 3 * BYTES_AN_ITEM
