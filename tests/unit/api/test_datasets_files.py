"""Images into a dataset: named, judged by their headers, read by a job, shown to browsers."""

import io

import numpy as np
import pytest
from datasets_running import image, run_job, upload
from PIL import Image

from rcg.api.multipart import path_name
from rcg.photometric.metadata import PNG, sniff


@pytest.fixture(autouse=True)
def dataset(client):
    return client.post("/api/datasets", json={"name": "Set", "kind": "surface_damage"}).json()


def items_of(client, **query):
    return client.get("/api/datasets/Set/items", params=query).json()["items"]


def filled(client, parts, **files):
    answer = upload(client, "Set", **files).json()
    result, _ = run_job(parts, answer["job"]["id"])
    return answer, result


def test_each_file_is_answered_for_by_itself(client):
    answer = upload(
        client, "Set",
        **{"one.jpg": image(300, 400), "two.png": image(100, 150, kind="PNG"), "note.jpg": b"no image"},
    ).json()  # fmt: skip
    one, two, note = answer["files"]
    assert (answer["accepted"], answer["refused"]) == (2, 1)
    assert (one["accepted"], one["width"], one["height"], one["format"]) == (True, 300, 400, "jpeg")
    assert one["reason"] is None
    assert two["accepted"]
    assert "under 224 px" in two["reason"], "a small image is taken, and flagged"
    assert not note["accepted"]
    assert "no image" in note["reason"]
    assert note["hint"]
    assert [item["name"] for item in items_of(client)] == ["one.jpg", "two.png"]
    assert [item["name"] for item in items_of(client, flagged=True)] == ["two.png"]


def test_a_cut_file_is_refused_and_the_others_are_kept(client):
    whole = image(600, 600)
    answer = upload(client, "Set", **{"cut.jpg": whole[:200], "whole.jpg": whole}).json()
    assert [file["accepted"] for file in answer["files"]] == [False, True]
    assert "cut short or damaged" in answer["files"][0]["reason"]


def test_a_file_torn_in_its_pixels_is_found_by_the_job(client, parts):
    whole = image(600, 600, kind="WEBP", lossless=True)
    torn = whole[: len(whole) // 2] + bytes(len(whole) - len(whole) // 2)
    _, result = filled(client, parts, **{"good.webp": whole, "torn.webp": torn})
    assert result["ready"] == 1
    assert result["broken"][0]["name"] == "torn.webp"
    good, torn_one = items_of(client)
    assert (good["state"], torn_one["state"]) == ("ready", "broken")
    assert "cut short or damaged" in torn_one["problem"]
    assert torn_one["thumbnail"] is None


def test_the_job_makes_thumbnails_that_browsers_keep(client, parts):
    filled(client, parts, **{"a.jpg": image(1000, 500)})
    (item,) = items_of(client)
    response = client.get(item["thumbnail"])
    assert Image.open(io.BytesIO(response.content)).size == (320, 160)
    assert "immutable" in response.headers["cache-control"]
    again = client.get(item["thumbnail"], headers={"if-none-match": response.headers["etag"]})
    assert again.status_code == 304
    bare = client.get(item["thumbnail"].partition("?")[0])
    assert bare.headers["cache-control"] == "private, no-cache", "an address without a hash may change"


def test_a_photograph_is_its_own_picture(client, parts):
    data = image(300, 300)
    filled(client, parts, **{"a.jpg": data})
    (layer,) = items_of(client)[0]["layers"]
    assert (layer["name"], layer["role"]) == ("colour", "colour")
    assert client.get(layer["url"]).content == client.get(layer["data_url"]).content == data


def test_a_turned_photograph_is_shown_upright_and_kept_as_it_came(client, parts):
    exif = Image.Exif()
    exif[0x0112] = 6
    answer, _ = filled(client, parts, **{"turned.jpg": image(400, 300, exif=exif)})
    assert (answer["files"][0]["width"], answer["files"][0]["height"]) == (300, 400)
    item = items_of(client)[0]
    assert (item["width"], item["height"]) == (300, 400)
    shown = Image.open(io.BytesIO(client.get(item["layers"][0]["url"]).content))
    assert (shown.format, shown.size) == ("WEBP", (300, 400))
    kept = Image.open(io.BytesIO(client.get(item["layers"][0]["data_url"]).content))
    assert (kept.format, kept.size) == ("JPEG", (400, 300))


def test_a_tiff_gets_a_picture(client, parts):
    filled(client, parts, **{"a.tif": image(300, 300, kind="TIFF")})
    (layer,) = items_of(client)[0]["layers"]
    assert layer["media_type"] == "image/tiff"
    assert client.get(layer["url"]).headers["content-type"] == "image/webp"


def test_sixteen_bits_are_kept_and_shown_in_eight(client, parts):
    ramp = np.tile(np.linspace(0, 65535, 256, dtype=np.uint16), (240, 1))
    file = io.BytesIO()
    Image.fromarray(ramp).save(file, "PNG")
    filled(client, parts, **{"deep.png": file.getvalue()})
    (layer,) = items_of(client)[0]["layers"]
    assert sniff(client.get(layer["data_url"]).content) == PNG
    shown = np.asarray(Image.open(io.BytesIO(client.get(layer["url"]).content)).convert("L"))
    assert abs(int(shown[0, 128]) - 128) <= 3


def test_where_a_photograph_was_taken_is_not_kept(client, parts):
    exif = Image.Exif()
    exif.get_ifd(0x8825)[1] = "N"
    exif.get_ifd(0x8825)[2] = (51.0, 28.0, 38.0)
    data = image(300, 300, exif=exif)
    assert Image.open(io.BytesIO(data)).getexif().get_ifd(0x8825)
    filled(client, parts, **{"a.jpg": data})
    kept = client.get(items_of(client)[0]["layers"][0]["data_url"]).content
    assert not Image.open(io.BytesIO(kept)).getexif().get_ifd(0x8825)
    again = upload(client, "Set", **{"a.jpg": data}).json()
    assert again["files"][0]["known"], "the same file is recognised all the same"


def test_the_same_upload_twice_doubles_nothing(client, parts):
    files = {f"{n}.jpg": image(shade=n) for n in range(3)}
    first, _ = filled(client, parts, **files)
    second = upload(client, "Set", **files).json()
    assert second["job"] is None
    assert [file["known"] for file in second["files"]] == [True] * 3
    assert [f["item_id"] for f in second["files"]] == [f["item_id"] for f in first["files"]]
    assert len(items_of(client)) == 3


def test_another_picture_of_a_taken_name_gets_a_number(client):
    upload(client, "Set", **{"a/1.jpg": image(shade=1)})
    second = upload(client, "Set", **{"a/1.jpg": image(shade=2)}).json()["files"][0]
    assert second["item_name"] == "a/1 (2).jpg"
    assert "Another picture is named a/1.jpg" in second["reason"]
    third = upload(client, "Set", **{"a/1.jpg": image(shade=2)}).json()["files"][0]
    assert (third["known"], third["item_id"]) == (True, second["item_id"])


def test_the_same_file_twice_in_one_upload_is_one_item(client):
    data = image()
    response = client.post(
        "/api/datasets/Set/files", files=[("files", ("a.jpg", data)), ("files", ("a.jpg", data))]
    )
    assert [file["known"] for file in response.json()["files"]] == [False, True]
    assert len(items_of(client)) == 1


def test_both_sides_of_a_card_stay_together(client):
    upload(client, "Set", **{"x/pikachu_front.jpg": image(shade=1), "x/pikachu_back.jpg": image(shade=2)})
    front, back = items_of(client)
    assert front["card_key"] == back["card_key"] == "x/pikachu"
    assert (front["side"], back["side"]) == ("front", "back")


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("../../etc/passwd.jpg", "etc/passwd.jpg"),
        ("C:\\cards\\1.jpg", "cards/1.jpg"),
        ("./a//b.jpg", "a/b.jpg"),
        ("カード/ピカチュウ.jpg", "カード/ピカチュウ.jpg"),
        ("e\u0301.jpg", "\u00e9.jpg"),
        ("a\n\x00b.jpg", "ab.jpg"),
        ("..", "unnamed"),
        ("", "unnamed"),
        ("x" * 300 + "/" + "y" * 190 + ".jpg", "y" * 190 + ".jpg"),
    ],
)
def test_no_name_climbs_and_every_script_is_kept(name, kept):
    assert path_name(name) == kept


def test_a_thousand_files_hold_no_thousand_descriptors_open(client, parts):
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
    try:
        data = [image(16, 16, shade=n) for n in range(4)]
        files = [("files", (f"{n}.jpg", data[n % 4])) for n in range(400)]
        assert client.post("/api/datasets/Set/files", files=files).json()["accepted"] == 400
        too_many = [("files", (f"{n}.jpg", data[0])) for n in range(1001)]
        refused = client.post("/api/datasets/Set/files", files=too_many)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert refused.status_code == 422
    assert "1000 files" in refused.json()["detail"]
    assert "zip" in refused.json()["hint"]
    assert len(items_of(client, limit=200)) == 200


def test_nothing_is_kept_of_an_upload_into_no_dataset(client, parts):
    assert upload(client, "Nowhere", **{"a.jpg": image()}).status_code == 404
    assert upload(client, "Set").status_code in {400, 422}


def test_items_are_found_changed_and_deleted(client, parts):
    filled(client, parts, **{f"{n}.jpg": image(shade=n) for n in range(3)})
    one, two, three = items_of(client)
    detail = client.get(f"/api/items/{two['id']}").json()
    assert detail["neighbours"] == {"previous": one["id"], "next": three["id"]}
    assert client.get(f"/api/items/{one['id']}").json()["neighbours"]["previous"] is None
    assert client.get(f"/api/items/{three['id']}").json()["neighbours"]["next"] is None
    assert [i["name"] for i in items_of(client, q="1")] == ["1.jpg"]
    assert len(items_of(client, ids=f"{one['id']},{three['id']}")) == 2
    changed = client.patch(f"/api/items/{two['id']}", json={"split": "test", "px_per_mm": 12.5}).json()
    assert (changed["split"], changed["px_per_mm"], changed["card_key"]) == ("test", 12.5, "1")
    assert client.patch(f"/api/items/{two['id']}", json={"px_per_mm": -1}).status_code == 422
    gone = client.post("/api/datasets/Set/items/delete", json={"ids": [one["id"], "nothing"]})
    assert gone.json() == {"deleted": 1}
    assert client.delete(f"/api/items/{two['id']}").status_code == 204
    assert client.get(f"/api/items/{two['id']}").status_code == 404
    assert [i["name"] for i in items_of(client)] == ["2.jpg"]


def test_a_layer_that_is_not_there_lists_those_that_are(client):
    item_id = upload(client, "Set", **{"a.jpg": image()}).json()["files"][0]["item_id"]
    response = client.get(f"/api/items/{item_id}/layers/normal")
    assert response.status_code == 404
    assert "colour" in response.json()["hint"]


def test_a_job_that_runs_twice_and_an_item_that_is_gone_do_no_harm(client, parts):
    answer = upload(client, "Set", **{"a.jpg": image(shade=1), "b.jpg": image(shade=2)}).json()
    client.delete(f"/api/items/{answer['files'][0]['item_id']}")
    for attempt in (1, 2):
        result, _ = run_job(parts, answer["job"]["id"], attempt)
        assert (result["ready"], result["deleted_meanwhile"]) == (1, 1)
    assert [item["state"] for item in items_of(client)] == ["ready"]
