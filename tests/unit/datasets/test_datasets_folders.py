"""The owner's older folders: found, described, read, and written again."""

import json
import zipfile

import pytest
from datasets_made import EVERYTHING, Blobs, plain_annotations, record, source

from rcg.datasets import folders, formats


@pytest.fixture
def root(tmp_path):
    folder = tmp_path / "revolutionary_datasets"
    folder.mkdir()
    return folder


def made(root, name, metadata=None, file="metadata.json", images=2, labels=None):
    folder = root / name
    for part in ("images", "annotations", "trained_models", "training_metrics", "checkpoints"):
        (folder / part).mkdir(parents=True)
    blobs = Blobs(root.parent / "blobs")
    for at in range(images):
        (folder / "images" / f"card{at}.png").write_bytes(blobs.find(blobs.image(at)).read_bytes())
    if metadata is not None:
        (folder / file).write_text(metadata if isinstance(metadata, str) else json.dumps(metadata))
    for path, text in (labels or {}).items():
        (folder / "annotations" / path).write_text(text)
    return folder


def test_folders_are_found_with_what_they_hold(root):
    made(
        root,
        "b_corner",
        {"name": "My corners", "model_type": "corner_analysis", "description": "old"},
        images=3,
    )
    made(root, "a_plain", images=1)
    surface = made(
        root, "c_surface", {"dataset_name": "Surf", "type": "surface_damage"}, "dataset_metadata.json"
    )
    (surface / "annotations/card0.txt").write_text("0 0.5 0.5 0.2 0.1\n")
    (surface / "trained_models/best.pth").write_bytes(b"x")
    (surface / "training_metrics/history.json").write_text('{"annotations": [{"image_id": 1}]}')
    (root / "not one").mkdir()
    (root / "file.txt").write_text("x")
    plain, corner, surf = folders.find(root)
    assert (plain.name, plain.kind, plain.images, plain.format) == ("a_plain", None, 1, "images")
    assert "choose one" in plain.note
    assert (corner.name, corner.kind, corner.images, corner.description) == (
        "My corners",
        "corner_detection",
        3,
        "old",
    )
    assert corner.note == ""
    assert (surf.name, surf.kind, surf.labels, surf.format, surf.models) == (
        "Surf",
        "surface_damage",
        1,
        "yolo_txt",
        1,
    )


def test_a_folder_that_is_damaged_is_described_and_not_refused(root):
    made(root, "a", "{broken", labels={"x.json": '{"images": [{'})
    made(root, "b", {"model_type": "surfce_damage"}, images=0)
    made(root, "c", "[1, 2]")
    broken, unknown, listed = folders.find(root)
    assert "cannot be read" in broken.note
    assert broken.images == 2
    assert unknown.kind is None
    assert "nothing to import" in unknown.note
    assert "no JSON object" in listed.note


def test_nothing_is_found_where_there_is_nothing(tmp_path):
    assert folders.find(tmp_path / "missing") == []


def test_labels_below_annotations_find_their_images(root):
    coco = {
        "images": [{"id": 1, "file_name": "card1.png", "width": 64, "height": 80}],
        "categories": [{"id": 5, "name": "Dent"}],
        "annotations": [{"id": 1, "image_id": 1, "category_id": 5, "bbox": [1, 2, 30, 40]}],
    }
    folder = made(root, "a", {"model_type": "surface_damage"}, labels={"coco.json": json.dumps(coco)})
    found = formats.read(folder)
    items = {item.name: item for item in found.items}
    assert sorted(items) == ["card0.png", "card1.png"]
    assert items["card1.png"].annotations[0].label == "dent"
    assert items["card0.png"].annotations is None


@pytest.mark.parametrize("ending", ["", ".zip"])
def test_a_dataset_is_written_in_that_layout_and_comes_back(ending, tmp_path, root):
    blobs = Blobs(tmp_path / "blobs")
    records = [record(blobs, at, f"{at}.png", plain_annotations(), relief=True) for at in range(2)]
    out = root / f"new{ending}"
    formats.export("folder", source(blobs, EVERYTHING, records), out)
    if ending:
        with zipfile.ZipFile(out) as archive:
            archive.extractall(root / "new")
    assert {path.name for path in (root / "new").iterdir()} == {
        "images", "annotations", "trained_models", "training_metrics", "checkpoints", "metadata.json", "rcg",
    }  # fmt: skip
    (found,) = folders.find(root)
    assert (found.name, found.kind, found.images, found.format) == ("Käfer", "multi_modal", 2, "coco_json")
    assert found.metadata["annotation_count"] == 12
    items = sorted(formats.read(root / "new").items, key=lambda item: item.id)
    assert [item.annotations for item in items] == [one.annotations for one in records]
    assert [len(item.layers) for item in items] == [3, 3]
