"""Archives, label files and folders in; archives out. What is wrong is said, and nothing is half-written."""

import io
import json
import tarfile
import zipfile

import pytest
from datasets_running import image, run_job, upload

from rcg.errors import RcgError
from rcg.store.dataset_models import AnnotationRow, DatasetItem

FORMATS = ("coco_json", "yolo_txt", "pascal_voc", "custom_json")


@pytest.fixture(autouse=True)
def dataset(client):
    return create(client, "Set")


def create(client, name, kind="surface_damage"):
    return client.post("/api/datasets", json={"name": name, "kind": kind}).json()


def packed(files, kind="zip"):
    out = io.BytesIO()
    if kind == "zip":
        with zipfile.ZipFile(out, "w") as archive:
            for name, data in files.items():
                archive.writestr(name, data)
    else:
        with tarfile.open(fileobj=out, mode="w:gz") as archive:
            for name, data in files.items():
                info = tarfile.TarInfo(name)
                info.size = len(data)
                archive.addfile(info, io.BytesIO(data))
    return out.getvalue()


def send(client, files, name="Set", annotation_format="auto"):
    return client.post(
        f"/api/datasets/{name}/import", files=files, data={"annotation_format": annotation_format}
    )


def imported(client, parts, files, name="Set", annotation_format="auto"):
    response = send(client, files, name, annotation_format)
    assert response.status_code == 202, response.text
    return run_job(parts, response.json()["id"])[0]


def coco(*names, size=(300, 400), extra=()):
    images = [
        {"id": at, "file_name": name, "width": size[0], "height": size[1]} for at, name in enumerate(names, 1)
    ]
    boxes = [
        {"id": at, "image_id": at, "category_id": 7, "bbox": [10.5, 20, 30, 40], "area": 1200, "iscrowd": 0}
        for at in range(1, len(names) + 1)
    ]
    body = {"images": images, "annotations": [*boxes, *extra], "categories": [{"id": 7, "name": "Dent"}]}
    return json.dumps(body).encode()


def shapes_of(client, name="Set"):
    items = client.get(f"/api/datasets/{name}/items", params={"limit": 200}).json()["items"]
    return {item["name"]: client.get(f"/api/items/{item['id']}").json()["shapes"] for item in items}


def rows(parts):
    with parts.db.read() as session:
        return session.query(DatasetItem).count(), session.query(AnnotationRow).count()


@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_an_archive_of_images_and_labels(client, parts, kind):
    files = {
        "cards/images/a.jpg": image(shade=1),
        "cards/images/ピカチュウ b.jpg": image(shade=2),
        "cards/annotations/instances.json": coco("a.jpg", "ピカチュウ b.jpg"),
    }
    archive = packed(files, kind)
    result = imported(client, parts, [("archive", ("cards.bin", archive))])
    assert (result["items"], result["annotations"], result["format"]) == (2, 2, "coco_json")
    found = shapes_of(client)
    assert set(found) == {"a.jpg", "ピカチュウ b.jpg"}
    (shape,) = found["a.jpg"]
    assert (shape["label"], shape["shape"]["x"], shape["source"]) == ("dent", 10.5, "import")
    dataset = client.get("/api/datasets/Set").json()
    assert (dataset["labelled"], dataset["states"]["ready"]) == (2, 2)
    assert dataset["thumbnails"]


def test_the_same_archive_twice_doubles_nothing(client, parts):
    archive = packed({"a.jpg": image(shade=1), "labels.json": coco("a.jpg")})
    first = imported(client, parts, [("archive", ("a.zip", archive))])
    before = shapes_of(client)
    second = imported(client, parts, [("archive", ("a.zip", archive))])
    assert (first["items"], first["annotations"]) == (1, 1)
    assert (second["items"], second["annotations"]) == (0, 0)
    assert second["known_annotations"] == 1
    assert shapes_of(client) == before


def test_a_label_that_a_person_moved_is_not_put_beside_it_again(client, parts):
    archive = packed({"a.jpg": image(shade=1), "labels.json": coco("a.jpg")})
    imported(client, parts, [("archive", ("a.zip", archive))])
    with parts.db.write() as session:
        row = session.query(AnnotationRow).one()
        row.body = row.body.replace("10.5", "99.5")
    imported(client, parts, [("archive", ("a.zip", archive))])
    assert [one["shape"]["x"] for one in shapes_of(client)["a.jpg"]] == [99.5]


def test_labels_find_the_images_that_are_there(client, parts):
    run_job(parts, upload(client, "Set", **{"x/a.jpg": image(shade=1)}).json()["job"]["id"])
    result = imported(client, parts, [("files", ("labels.json", coco("x/a.jpg", "gone.jpg")))])
    assert (result["items"], result["annotations"], result["without_item"]) == (0, 1, 1)
    assert result["missing_names"] == ["gone.jpg"]
    assert [one["label"] for one in shapes_of(client)["x/a.jpg"]] == ["dent"]
    item = client.get("/api/datasets/Set/items").json()["items"][0]
    assert (item["label_state"], item["revision"]) == ("labelled", 1)


def test_yolo_labels_for_images_that_are_there(client, parts):
    run_job(parts, upload(client, "Set", **{"a.jpg": image(200, 400)}).json()["job"]["id"])
    result = imported(
        client, parts,
        [("files", ("labels/a.txt", b"0 0.5 0.5 0.25 0.5\n")), ("files", ("classes.txt", b"scratch\n"))],
        annotation_format="yolo_txt",
    )  # fmt: skip
    assert result["annotations"] == 1
    (shape,) = shapes_of(client)["a.jpg"]
    assert shape["label"] == "scratch"
    box = shape["shape"]
    assert (box["x"], box["y"], box["width"], box["height"]) == (75, 100, 50, 200)


def test_a_class_that_is_new_is_added(client, parts):
    labels = coco("a.jpg").replace(b'"Dent"', b'"Foil Tear"')
    result = imported(client, parts, [("archive", ("a.zip", packed({"a.jpg": image(), "l.json": labels})))])
    assert result["new_classes"] == ["foil_tear"]
    names = [one["name"] for one in client.get("/api/datasets/Set").json()["label_schema"]["classes"]]
    assert names[-1] == "foil_tear"
    assert names[0] == "dent"


def test_what_cannot_be_kept_is_counted(client, parts):
    dangling = {"id": 50, "image_id": 99, "category_id": 7, "bbox": [1, 1, 5, 5]}
    negative = {"id": 51, "image_id": 1, "category_id": 7, "bbox": [1, 1, -5, 5]}
    unknown = {"id": 52, "image_id": 1, "category_id": 99, "bbox": [1, 1, 5, 5]}
    nan = {"id": 53, "image_id": 1, "category_id": 7, "bbox": [1, float("nan"), 5, 5]}
    twice = {"id": 1, "image_id": 1, "category_id": 7, "bbox": [100, 100, 50, 50]}
    labels = coco("a.jpg", extra=(dangling, negative, unknown, nan, twice))
    files = {"a.jpg": image(), "torn.jpg": image()[:300], "l.json": labels}
    result = imported(client, parts, [("archive", ("a.zip", packed(files)))])
    assert result["items"] == 1
    assert result["annotations"] == 2, "the good one, and the one whose id was taken"
    said = {row["what"]: row["count"] for row in result["loss"]}
    assert sum(said.values()) >= 5
    assert said["images that cannot be read"] == 1
    assert all(row["example"] for row in result["loss"])


@pytest.mark.parametrize("name", FORMATS)
def test_what_rcg_wrote_comes_back_whole(client, parts, name):
    files = {f"x/{n}.jpg": image(shade=n) for n in range(3)}
    run_job(parts, upload(client, "Set", **files).json()["job"]["id"])
    imported(client, parts, [("files", ("l.json", coco("x/0.jpg", "x/1.jpg")))])
    job = client.post("/api/datasets/Set/export", json={"format": name}).json()
    result, _ = run_job(parts, job["id"])
    assert result["items"] == 3
    response = client.get(f"/api/datasets/Set/exports/{job['id']}")
    assert response.headers["content-type"] == "application/zip"
    assert result["file_name"] == f"set-{name}.zip" in response.headers["content-disposition"]
    create(client, "Other")
    back = imported(client, parts, [("archive", ("e.zip", response.content))], "Other")
    assert (back["items"], back["annotations"], back["loss"]) == (3, 2, [])

    def plain(dataset):
        return {
            item: [{key: value for key, value in one.items() if key != "id"} for one in shapes]
            for item, shapes in shapes_of(client, dataset).items()
        }

    assert plain("Other") == plain("Set")
    one, other = (client.get(f"/api/datasets/{dataset}").json() for dataset in ("Set", "Other"))
    assert one["label_states"] == other["label_states"] == {"unlabelled": 1, "predicted": 0, "labelled": 2}
    again = imported(client, parts, [("archive", ("e.zip", response.content))])
    assert (again["items"], again["annotations"]) == (0, 0), "into the dataset it came from it brings nothing"


def test_the_same_dataset_gives_the_same_archive(client, parts):
    run_job(parts, upload(client, "Set", **{"a.jpg": image()}).json()["job"]["id"])
    hashes = set()
    for _ in range(2):
        job = client.post("/api/datasets/Set/export", json={"format": "coco_json"}).json()
        hashes.add(run_job(parts, job["id"])[0]["sha256"])
    assert len(hashes) == 1
    left = [path for path in (parts.settings.data_dir / "transfers").rglob("*") if path.is_file()]
    assert not left


def test_a_version_is_exported_as_it_was(client, parts):
    run_job(parts, upload(client, "Set", **{"a.jpg": image(shade=1)}).json()["job"]["id"])
    imported(client, parts, [("files", ("l.json", coco("a.jpg")))])
    version = client.post("/api/datasets/Set/versions").json()
    run_job(parts, upload(client, "Set", **{"b.jpg": image(shade=2)}).json()["job"]["id"])
    for wanted in (1, "1", version["id"]):
        job = client.post("/api/datasets/Set/export", json={"version": wanted}).json()
        assert run_job(parts, job["id"])[0]["items"] == 1
    assert client.post("/api/datasets/Set/export", json={"version": 9}).status_code == 404


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ([("archive", ("a.zip", packed({"../../x.jpg": image()})))], "leads out of its folder"),
        ([("archive", ("a.zip", packed({"a.jpg": image()})[:-40]))], "cut short"),
        ([("archive", ("a.tgz", packed({"a.jpg": image()}, "tar")[:-200]))], "cut short"),
        ([("files", ("l.json", b'{"images": [{"id": 1'))], "l.json"),
        ([("files", ("l.json", b"[1, 2, 3]"))], "nothing to import"),
        ([("files", ("readme.md", b"hello"))], "nothing to import"),
        ([("archive", ("a.zip", packed({})))], ""),
    ],
)
def test_an_archive_that_is_wrong_leaves_nothing(client, parts, files, words):
    job = send(client, files).json()
    with pytest.raises(RcgError) as refused:
        run_job(parts, job["id"])
    assert words.casefold() in refused.value.detail.casefold(), refused.value.detail
    assert refused.value.hint
    assert rows(parts) == (0, 0)


def test_what_is_wrong_with_a_request_is_said_at_once(client, parts):
    assert send(client, [], annotation_format="auto").status_code in {400, 422}
    response = send(client, [("files", ("l.json", b"{}"))], annotation_format="csv")
    assert response.status_code == 422
    assert "coco_json" in response.json()["hint"]
    assert send(client, [("files", ("l.json", b"{}"))], "Nowhere").status_code == 404
    transfers = parts.settings.data_dir / "transfers"
    assert not list(transfers.iterdir()) if transfers.exists() else True
    empty = client.post("/api/datasets/Set/export", json={"format": "coco_json"})
    assert empty.status_code == 409
    assert client.post("/api/datasets/Set/export", json={"format": "csv"}).status_code == 422
    job = send(client, [("files", ("l.json", b"{}"))]).json()
    assert client.get(f"/api/datasets/Set/exports/{job['id']}").status_code == 404


def test_an_upload_over_the_limit_is_refused(client, parts, monkeypatch):
    monkeypatch.setattr("rcg.api.policy._MULTIPART_OVERHEAD", 0)
    object.__setattr__(parts.settings.limits, "archive_mb", 1)
    response = send(client, [("archive", ("a.zip", bytes(1_500_000)))])
    assert response.status_code == 413


def test_a_folder_of_the_server_is_imported_by_its_name(client, parts):
    folder = parts.settings.data_dir / "inbox" / "cards one"
    folder.mkdir(parents=True)
    (folder / "a.jpg").write_bytes(image())
    (folder / "l.json").write_bytes(coco("a.jpg"))
    job = client.post("/api/datasets/Set/import", json={"folder": "cards one"})
    assert job.status_code == 202
    result, _ = run_job(parts, job.json()["id"])
    assert (result["items"], result["annotations"]) == (1, 1)
    for climbing in ("../blobs", "cards one/../../blobs", "/etc", "..", "inbox/.."):
        response = client.post("/api/datasets/Set/import", json={"folder": climbing})
        assert response.status_code in {404, 422}, climbing
    missing = client.post("/api/datasets/Set/import", json={"folder": "none"}).json()
    assert "cards one" in missing["hint"]
    (folder.parent / "link").symlink_to("/etc")
    assert client.post("/api/datasets/Set/import", json={"folder": "link"}).status_code == 404


def test_what_breaks_while_it_is_taken_in_leaves_nothing(client, parts, monkeypatch):
    archive = packed({f"{n}.jpg": image(shade=n) for n in range(3)} | {"l.json": coco("0.jpg", "1.jpg")})
    job = send(client, [("archive", ("a.zip", archive))]).json()
    with monkeypatch.context() as broken:
        broken.setattr("rcg.store.repositories.items.raise_label_states", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            run_job(parts, job["id"])
    assert rows(parts) == (0, 0)
    assert client.get("/api/datasets/Set").json()["items"] == 0
    result, _ = run_job(parts, job["id"], 2)
    assert (result["items"], result["annotations"]) == (3, 2), "tried again, it is all there"


def test_a_bomb_is_refused_before_it_bursts(client, parts, monkeypatch):
    monkeypatch.setenv("RCG_LIMITS__ARCHIVE_MB", "1")
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as bomb:
        for number in range(5):
            bomb.writestr(f"{number}.jpg", bytes(50_000_000))
    assert len(out.getvalue()) < 1_000_000
    job = send(client, [("archive", ("bomb.zip", out.getvalue()))]).json()
    with pytest.raises(RcgError, match="at most 1 MB") as refused:
        run_job(parts, job["id"])
    assert "archive_mb" in refused.value.hint
    written = [path for path in (parts.settings.data_dir / "jobs").rglob("*") if path.is_file()]
    assert not written
    assert rows(parts) == (0, 0)


def test_yolo_of_boxes_alone_can_be_asked_for(client, parts):
    archive = packed({"a.jpg": image(), "l.json": coco("a.jpg")})
    imported(client, parts, [("archive", ("a.zip", archive))])
    job = client.post("/api/datasets/Set/export", json={"format": "yolo_txt:detect"}).json()
    assert run_job(parts, job["id"])[0]["file_name"] == "set-yolo_txt-detect.zip"


def test_a_dataset_that_is_deleted_meanwhile_keeps_nothing(client, parts):
    job = send(client, [("archive", ("a.zip", packed({"a.jpg": image(), "l.json": coco("a.jpg")})))]).json()
    with parts.db.write() as session:
        from rcg.store.repositories import datasets

        datasets.delete(session, datasets.get(session, "Set"))
    result, _ = run_job(parts, job["id"])
    assert "deleted meanwhile" in result["note"]
    assert rows(parts) == (0, 0)
