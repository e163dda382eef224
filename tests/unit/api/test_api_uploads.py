import hashlib
import os

import anyio
import pytest

from rcg.store.models import Blob


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def files_of(parts):
    return (
        [path for path in parts.blobs.folder.rglob("*") if path.is_file()]
        if parts.blobs.folder.exists()
        else []
    )


def rows_of(parts):
    with parts.db.read() as session:
        return [row.sha256 for row in session.query(Blob)]


@pytest.fixture
def capture(client):
    card = client.post("/api/cards", json={"name": "x"}).json()
    return client.post(f"/api/cards/{card['id']}/captures", json={"side": "front"}).json()


@pytest.mark.parametrize(
    ("kind", "media_type"),
    [
        ("JPEG", "image/jpeg"),
        ("PNG", "image/png"),
        ("TIFF", "image/tiff"),
        ("WEBP", "image/webp"),
    ],
)
def test_a_photograph_comes_back_byte_for_byte(client, parts, photo, kind, media_type):
    data = photo(kind=kind)
    path = f"/api/blobs/{sha256(data)}"
    first, again = client.put(path, content=data), client.put(path, content=data)
    assert (first.status_code, again.status_code) == (201, 200)
    assert (
        first.json() == again.json() == {"sha256": sha256(data), "bytes": len(data), "media_type": media_type}
    )
    back = client.get(path)
    assert back.content == data
    assert back.headers["content-type"] == media_type
    assert back.headers["content-disposition"].startswith("attachment")
    head = client.head(path)
    assert (head.status_code, head.headers["content-length"], head.content) == (200, str(len(data)), b"")
    assert len(files_of(parts)) == 1


def test_other_bytes_than_the_hash_says_are_refused(client, parts, photo):
    response = client.put(f"/api/blobs/{'0' * 64}", content=photo())
    assert response.status_code == 422
    assert response.json()["data"] == {
        "received": sha256(photo()),
        "expected": "0" * 64,
        "bytes": len(photo()),
    }
    assert (files_of(parts), rows_of(parts)) == ([], [])


def test_a_file_whose_row_was_lost_is_taken_in_again(client, parts, photo):
    parts.blobs.add(photo())
    assert client.get(f"/api/blobs/{sha256(photo())}").status_code == 404
    assert client.put(f"/api/blobs/{sha256(photo())}", content=photo()).status_code == 201


@pytest.mark.parametrize(
    "data",
    [b"", b"x", b"not an image at all, just some text", b"GIF89a" + bytes(50), b"%PDF-1.7", b"\x00" * 100],
)
def test_what_is_no_image_is_refused(client, parts, data):
    response = client.put(f"/api/blobs/{sha256(data)}", content=data)
    assert response.status_code == 422
    assert "empty" in response.json()["detail"] or "no image" in response.json()["detail"]
    assert (files_of(parts), rows_of(parts)) == ([], [])


@pytest.mark.parametrize("name", ["0" * 63, "0" * 65, "G" * 64, "A" * 64, "..%2f..%2fetc%2fpasswd"])
@pytest.mark.parametrize("method", ["PUT", "GET", "HEAD"])
def test_only_a_hash_names_a_file(client, parts, method, name):
    assert client.request(method, f"/api/blobs/{name}").status_code in {404, 422}
    assert files_of(parts) == []


def test_too_large_with_and_without_a_stated_length(client, parts):
    data = b"\xff\xd8\xff" + bytes(1_000_000)
    path = f"/api/blobs/{sha256(data)}"
    assert client.put(path, content=data).status_code == 413
    pieces = (data[at : at + 50_000] for at in range(0, len(data), 50_000))
    response = client.put(path, content=pieces)
    assert response.request.headers.get("content-length") is None
    assert response.status_code == 413
    assert "1 MB" in response.json()["detail"]
    assert (files_of(parts), rows_of(parts)) == ([], [])


def test_json_has_a_smaller_limit(client):
    body = b'{"name": "x", "notes": "' + b"y" * 2_000_000 + b'"}'
    headers = {"content-type": "application/json"}
    for content in (body, iter([body])):
        assert client.post("/api/cards", content=content, headers=headers).status_code == 413


@pytest.mark.parametrize("path", ["/api/blobs/{sha}", "/api/captures/{capture}/files"])
def test_a_cut_upload_leaves_nothing(root, parts, photo, capture, path):
    """The phone goes away in the middle of the body."""
    data = photo() + bytes(300_000)
    form = b'--b\r\ncontent-disposition: form-data; name="files"; filename="up.jpg"\r\n\r\n'
    token = parts.auth.create_token("phone", ["capture"]).secret
    path = path.format(sha=sha256(data), capture=capture["id"])
    pieces = [form if "files" in path else b"", data[:200_000], data[200_000:290_000]]
    sent = []

    async def receive():
        if pieces:
            return {"type": "http.request", "body": pieces.pop(0), "more_body": True}
        return {"type": "http.disconnect"}

    async def send(message):
        sent.append(message["type"])

    headers = {
        "host": "rcg.test:8443",
        "authorization": f"Bearer {token}",
        "content-type": "multipart/form-data; boundary=b",
    }
    scope = {
        "type": "http",
        "method": "POST" if "files" in path else "PUT",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "server": ("rcg.test", 8443),
        "client": ("10.0.0.1", 5),
        "scheme": "https",
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
    }
    anyio.run(root, scope, receive, send)
    assert sent == []
    assert (files_of(parts), rows_of(parts)) == ([], [])


def test_a_full_disk_is_said_and_leaves_nothing(client, parts, photo, capture):
    limits = parts.settings.limits.model_copy(update={"min_free_disk_mb": 10**9})
    parts.settings = parts.settings.model_copy(update={"limits": limits})
    assert send(client, capture, ("up.jpg", photo())).status_code == 503
    response = client.put(f"/api/blobs/{sha256(photo())}", content=photo())
    assert response.status_code == 503
    assert "disk is full" in response.json()["detail"]
    assert (files_of(parts), rows_of(parts)) == ([], [])


def send(client, capture, *files):
    return client.post(f"/api/captures/{capture['id']}/files", files=[("files", file) for file in files])


def test_several_files_become_frames_named_by_their_light(client, parts, photo, capture):
    names = ["card_up.jpg", "C:\\scans\\card_right.JPG", "../../card_down.png", "left.webp"]
    kinds = ["JPEG", "JPEG", "PNG", "WEBP"]
    response = send(
        client,
        capture,
        *((name, photo(n, kind)) for n, (name, kind) in enumerate(zip(names, kinds, strict=True))),
    )
    assert response.status_code == 200
    assert [(f["file_name"], f["accepted"], f["light"]) for f in response.json()["files"]] == [
        ("card_up.jpg", True, "up"),
        ("card_right.JPG", True, "right"),
        ("card_down.png", True, "down"),
        ("left.webp", True, "left"),
    ]
    frames = response.json()["capture"]["frames"]
    assert [frame["light"] for frame in frames] == ["up", "right", "down", "left"]
    for n, frame in enumerate(frames):
        assert client.get(f"/api/blobs/{frame['sha256']}").content == photo(n, kinds[n])
    assert len(files_of(parts)) == 4


def test_each_file_is_answered_for_by_itself(client, parts, photo, capture):
    response = send(
        client,
        capture,
        ("1.jpg", photo(1)),
        ("notes.txt", b"hello"),
        ("empty.jpg", b""),
        ("big.jpg", b"\xff\xd8\xff" + bytes(1_100_000)),
        ("a_1.jpg", photo(2)),
        ("2.jpg", photo(3)),
    )
    assert response.status_code == 200
    answers = {f["file_name"]: f for f in response.json()["files"]}
    assert {name for name, answer in answers.items() if answer["accepted"]} == {"1.jpg", "2.jpg"}
    for name, says in {
        "notes.txt": "no image",
        "empty.jpg": "empty",
        "big.jpg": "larger than 1 MB",
        "a_1.jpg": "so is 1.jpg",
    }.items():
        assert says in answers[name]["reason"]
    assert len(rows_of(parts)) == 2


def test_a_lights_file_comes_with_the_frames(client, photo, capture):
    lp = b"3\nup 0 1 1\nright 1 0 1\ndown 0 -1 1\n"
    response = send(client, capture, ("lights.lp", lp), ("up.jpg", photo(1)))
    assert response.json()["files"][0] == {
        "file_name": "lights.lp",
        "accepted": True,
        "light": None,
        "sha256": None,
        "reason": None,
        "hint": None,
    }
    assert response.json()["capture"]["lights"]["kind"] == "lp"
    assert response.json()["capture"]["lights"]["text"] == lp.decode()
    broken = send(client, capture, ("lights.lp", b"this is no table")).json()
    assert broken["files"][0]["accepted"] is False
    assert broken["capture"]["lights"]["text"] == lp.decode()


def test_two_lights_files_are_one_too_many(client, capture):
    lp = b"3\nup 0 1 1\nright 1 0 1\ndown 0 -1 1\n"
    response = send(client, capture, ("a.lp", lp), ("b.lp", lp.replace(b"-1", b"-2")))
    assert [f["accepted"] for f in response.json()["files"]] == [True, False]
    assert "so does a.lp" in response.json()["files"][1]["reason"]
    assert response.json()["capture"]["lights"]["text"] == lp.decode()


def test_too_many_files(client, parts, photo, capture):
    response = send(client, capture, *((f"{n}.jpg", photo(n)) for n in range(1, 9)))
    assert response.status_code == 422
    assert "more than 7 files" in response.json()["detail"]
    assert files_of(parts) == []


@pytest.mark.parametrize(
    ("content", "kind", "says"),
    [
        (b"", "multipart/form-data; boundary=b", "cut"),
        (b"--b\r\ncontent-dis", "multipart/form-data; boundary=b", "cut"),
        (b"hello", "multipart/form-data; boundary=b", "multipart"),
        (b"hello", "multipart/form-data", "not a multipart form"),
        (b"{}", "application/json", "application/json"),
        (b"--b--\r\n", "multipart/form-data; boundary=b", "no files"),
        (b"--b\r\nx: " + b"y" * 9000 + b"\r\n\r\n", "multipart/form-data; boundary=b", "header"),
        (
            b'--b\r\ncontent-disposition: form-data; name="f"\r\n\r\n' + b"y" * 70_000,
            "multipart/form-data; boundary=b",
            "larger than 65 kB",
        ),
    ],
)
def test_a_form_that_is_none(client, parts, capture, content, kind, says):
    response = client.post(
        f"/api/captures/{capture['id']}/files", content=content, headers={"content-type": kind}
    )
    assert response.status_code in {413, 422}
    assert says in response.json()["detail"]
    assert files_of(parts) == []


@pytest.mark.parametrize("seed", range(8))
def test_the_form_does_not_depend_on_how_it_is_cut_into_pieces(client, photo, capture, seed):
    import random

    data = photo(seed) + os.urandom(5_000) + b"\r\n--b\r\n--"
    body = (
        b'--bb\r\ncontent-disposition: form-data; name="files"; filename="up.jpg"\r\n\r\n'
        + data
        + b"\r\n--bb--\r\n"
    )
    dice = random.Random(seed)
    cuts = sorted(dice.sample(range(len(body)), 40))
    pieces = [body[a:b] for a, b in zip([0, *cuts], [*cuts, len(body)], strict=True)]
    response = client.post(
        f"/api/captures/{capture['id']}/files",
        content=iter(pieces),
        headers={"content-type": "multipart/form-data; boundary=bb"},
    )
    assert response.json()["files"][0]["sha256"] == sha256(data)


def grade(client, photo, frames=("up", "right", "down", "left"), **fields):
    files = [("files", (f"{light}.jpg", photo(n))) for n, light in enumerate(frames)]
    return client.post("/api/grade", files=files, data=fields)


def test_one_call_makes_card_capture_and_job(client, photo):
    response = grade(
        client, photo, name="Pikachu", set_name="Jungle", side="back", width_mm="59", height_mm="86"
    )
    assert response.status_code == 202
    made = response.json()
    assert (made["card"]["name"], made["card"]["set_name"], made["card"]["width_mm"]) == (
        "Pikachu",
        "Jungle",
        59.0,
    )
    assert [(c["side"], len(c["frames"])) for c in made["card"]["captures"]] == [("back", 4)]
    assert made["job"]["subject"] == f"card:{made['card']['id']}"
    assert client.get(f"/api/cards/{made['card']['id']}").json() == made["card"]


def test_one_photograph_alone_may_be_graded(client, photo):
    assert grade(client, photo, frames=("photo",)).status_code == 202


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"side": "top"}, "top"),
        ({"colour": "red"}, "colour"),
        ({"lights": "{"}, "lights"),
        ({"lights": '{"kind": "sun"}'}, "lights.kind"),
        ({"width_mm": "wide", "height_mm": "88"}, "width_mm"),
        ({"width_mm": "63"}, "both"),
        ({"name": "x" * 300}, "name"),
    ],
)
def test_one_call_that_is_wrong_keeps_no_card(client, photo, fields, says):
    response = grade(client, photo, **fields)
    assert response.status_code == 422, response.text
    assert says in response.json()["detail"]
    assert client.get("/api/cards").json()["total"] == 0


def test_one_call_with_a_bad_file_or_light_keeps_no_card(client, photo):
    files = [("files", ("up.jpg", photo())), ("files", ("right.jpg", b"text"))]
    response = client.post("/api/grade", files=files)
    assert response.status_code == 422
    assert "right.jpg" in response.json()["detail"]
    assert [f["accepted"] for f in response.json()["data"]["files"]] == [True, False]
    assert grade(client, photo, frames=("up", "right")).status_code == 422
    assert client.get("/api/cards").json()["total"] == 0
    assert client.get("/api/jobs").json()["total"] == 0
