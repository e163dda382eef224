"""Capture sessions by REST: frames come once, in any order, twice, late, wrong, and end in a grading."""

import base64
import hashlib
import io

import pytest
from fastapi.testclient import TestClient
from PIL import Image

from rcg.capture.lights import y4m
from rcg.jobs import frame_look
from rcg.store.db import Database
from rcg.store.repositories import jobs

LIGHTS = ["ambient", "1", "2", "3", "4"]
RING = {"kind": "ring", "count": 4, "radius_mm": 150, "height_mm": 90}
NOBODY = "0" * 64


@pytest.fixture
def client(root, parts):
    """A phone that is signed in: it may capture and look, in one event loop for the whole test."""
    token = parts.auth.create_token("Phone", ["capture", "read"]).secret
    headers = {"authorization": f"Bearer {token}"}
    with TestClient(root, base_url="https://rcg.test:8443", headers=headers) as client:
        yield client
        client.portal.call(parts.lights.close)


@pytest.fixture
def scene(parts):
    """What the simulated lights show: luma 20 in the dark, 40 + 10 k under light k."""
    folder = parts.settings.data_dir / "sim" / "card"
    folder.mkdir(parents=True)
    for name in LIGHTS:
        luma = 20 if name == "ambient" else 40 + 10 * int(name)
        y4m.write(folder / f"{name}.y4m", 8, 8, bytes([luma]) * 64 + bytes([128]) * 32)
    return folder


@pytest.fixture
def rig(client, scene):
    return client.post("/api/rigs", json={"name": "ring", "driver": "sim", "lights": RING}).json()


@pytest.fixture
def begin(client, rig):
    def begun(**body):
        answer = client.post("/api/capture/sessions", json=body)
        assert answer.status_code == 201, answer.text
        return answer.json()

    return begun


@pytest.fixture
def stored(client, photo):
    """Stores a photograph of a shade; returns its hash."""

    def store(shade):
        data = photo(shade)
        name = hashlib.sha256(data).hexdigest()
        assert client.put(f"/api/blobs/{name}", content=data).status_code in {200, 201}
        return name

    return store


@pytest.fixture
def put(client):
    def sent(session, light, sha, *, side="front", mode="stream", taken_at=1000, **more):
        body = {"sha256": sha, "side": side, "mode": mode, "taken_at": taken_at, **more}
        return client.put(f"/api/capture/sessions/{session['id']}/frames/{light}", json=body)

    return sent


@pytest.fixture
def shoot(put, stored):
    """Puts every frame of a side."""

    def shot(session, side="front", first=0, lights=LIGHTS):
        answers = [put(session, light, stored(first + n), side=side) for n, light in enumerate(lights)]
        assert {answer.status_code for answer in answers} == {201}, [a.text for a in answers]
        return answers[-1].json()["session"]

    return shot


def queued(parts):
    with parts.db.read() as session:
        return list(jobs.listing(session, kind="grade", limit=50).rows)


def test_a_session_begins_with_a_new_card_and_says_what_it_wants(begin, rig, client):
    session = begin(card={"name": "Pikachu", "set_name": "Base"}, sides=["front", "back"])
    assert (session["state"], session["side"], session["next_side"]) == ("ready", "front", "back")
    assert session["wanted"] == session["missing"] == LIGHTS
    assert session["card"]["name"] == "Pikachu"
    assert session["rig"] == {
        "id": rig["id"], "name": "ring", "driver": "sim", "acknowledged_by": "device",
    }  # fmt: skip
    assert client.get("/api/capture/sessions?open=true").json()["items"] == [session]


def test_without_a_rig_it_says_where_one_is_made(client):
    answer = client.post("/api/capture/sessions", json={})
    assert answer.status_code == 409
    assert "Rigs" in answer.json()["hint"]


def test_one_rig_lights_one_card_at_a_time(begin, client):
    session = begin(card={"name": "Pikachu"})
    answer = client.post("/api/capture/sessions", json={"card": {"name": "Eevee"}})
    assert answer.status_code == 409
    assert "Pikachu is being photographed" in answer.json()["detail"]
    assert answer.json()["data"]["session"] == session["id"]
    assert [card["name"] for card in client.get("/api/cards").json()["items"]] == ["Pikachu"]


def test_a_light_is_on_when_its_request_is_answered(begin, client, scene):
    session = begin()
    for light, luma in (("3", 70), ("ambient", 20), ("all", 65), ("1", 50)):
        answer = client.post(f"/api/capture/sessions/{session['id']}/light", json={"light": light})
        assert answer.status_code == 200, answer.text
        assert answer.json()["light"] == light
        assert answer.json()["settle_ms"] == 250, "the cautious guess for a rig that no camera has measured"
        assert y4m.read(scene / "camera.y4m").planes[0] == luma
    assert client.get(f"/api/capture/sessions/{session['id']}").json()["state"] == "shooting"
    answer = client.post(f"/api/capture/sessions/{session['id']}/light", json={"light": "5"})
    assert answer.status_code == 422
    assert "ambient, 1, 2, 3, 4" in answer.json()["hint"]


def test_a_side_that_lacks_a_frame_is_no_capture_yet(begin, shoot, client, parts):
    session = begin(card={"name": "Pikachu"})
    before = shoot(session, lights=LIGHTS[:-1])
    assert (before["state"], before["missing"], queued(parts)) == ("shooting", ["4"], [])
    assert client.get(f"/api/cards/{session['card']['id']}").json()["captures"] == []


def test_a_complete_set_is_graded_with_the_rigs_lights(begin, shoot, client, parts):
    session = shoot(begin(card={"name": "Pikachu"}))
    assert (session["state"], session["missing"], session["problem"]) == ("complete", [], None)
    (job,) = queued(parts)
    assert session["job_id"] == job.id
    capture = client.get(f"/api/captures/{session['captures']['front']}").json()
    assert [frame["light"] for frame in capture["frames"]] == LIGHTS
    assert capture["lights"]["kind"] == "rig"
    assert "position_mm = [0.0000, 150.0000, 90.0000]" in capture["lights"]["text"]
    assert capture["frames"][0]["meta"]["mode"] == "stream"
    spec = job.spec["sides"]["front"]
    assert spec["capture_id"] == capture["id"]
    assert [(f["light"], f["sha256"]) for f in spec["frames"]] == [
        (frame["light"], frame["sha256"]) for frame in capture["frames"]
    ]


def test_frames_may_come_in_any_order(begin, shoot, client):
    session = shoot(begin(), lights=LIGHTS[::-1])
    capture = client.get(f"/api/captures/{session['captures']['front']}").json()
    assert [frame["light"] for frame in capture["frames"]] == LIGHTS


def test_both_sides_one_after_the_other_and_one_grading(begin, shoot, client, put, stored, parts):
    session = begin(sides=["front", "back"])
    answer = put(session, "1", stored(9), side="back")
    assert answer.status_code == 409
    assert "The front is in front of the camera; the frame is of the back" in answer.json()["detail"]
    half = shoot(session)
    assert (half["state"], half["next_side"], half["job_id"], queued(parts)) == ("shooting", "back", None, [])
    turned = client.post(f"/api/capture/sessions/{session['id']}/side", json={}).json()
    assert (turned["side"], turned["missing"]) == ("back", LIGHTS)
    late = put(session, "2", half["frames"][2]["sha256"], side="front")
    assert (late.status_code, late.json()["changed"]) == (200, False), "a front frame that is sent again"
    done = shoot(session, side="back", first=5)
    assert done["state"] == "complete"
    (job,) = queued(parts)
    assert set(job.spec["sides"]) == {"front", "back"}


def test_the_side_that_was_not_chosen_is_refused(begin, put, stored):
    answer = put(begin(), "1", stored(1), side="back")
    assert answer.status_code == 422
    assert "photographs the front; the frame is of the back" in answer.json()["detail"]


def test_the_same_frame_twice_changes_nothing(begin, put, stored, client, parts):
    session, sha = begin(), stored(1)
    first = put(session, "1", sha).json()
    told = len(parts.jobs.published)
    again = put(session, "1", sha)
    assert again.status_code == 200
    assert again.json() == {**first, "changed": False}
    assert len(parts.jobs.published) == told, "and nobody is told"


def test_a_retake_replaces_and_a_late_first_try_does_not(begin, put, stored):
    session = begin()
    put(session, "1", stored(1), taken_at=1000)
    retake = put(session, "1", stored(2), taken_at=2000)
    assert retake.status_code == 201
    assert [frame["sha256"] for frame in retake.json()["session"]["frames"]] == [stored(2)]
    late = put(session, "1", stored(1), taken_at=1000)
    assert (late.status_code, late.json()["kept"]) == (200, False)
    assert [frame["sha256"] for frame in late.json()["session"]["frames"]] == [stored(2)]


def test_a_retake_after_the_end_is_graded_anew(begin, shoot, put, stored, client, parts):
    session = shoot(begin())
    first = session["job_id"]
    again = put(session, "3", stored(8), taken_at=5000).json()["session"]
    assert (again["state"], again["captures"]) == ("complete", session["captures"])
    assert again["job_id"] != first
    states = {job.id: job.state for job in queued(parts)}
    assert states == {first: "cancelled", again["job_id"]: "queued"}
    capture = client.get(f"/api/captures/{session['captures']['front']}").json()
    assert [frame["sha256"] for frame in capture["frames"]][3] == stored(8)


def test_bytes_with_another_hash_are_refused_and_not_kept(begin, client, photo, put):
    session = begin()
    assert client.put(f"/api/blobs/{NOBODY}", content=photo(1)).status_code == 422
    answer = put(session, "1", NOBODY)
    assert answer.status_code == 409
    assert f"PUT /api/blobs/{NOBODY}" in answer.json()["hint"]
    assert client.get(f"/api/capture/sessions/{session['id']}").json()["frames"] == []


def test_two_ways_of_taking_frames_are_never_mixed(begin, put, stored):
    session = begin()
    put(session, "1", stored(1))
    answer = put(session, "2", stored(2), mode="photo")
    assert answer.status_code == 409
    assert "brightness of the two cannot be compared" in answer.json()["detail"]
    assert put(session, "1", stored(3), mode="photo", taken_at=9).status_code == 200, "older: not taken"
    only = put(session, "1", stored(3), mode="photo", taken_at=2000)
    assert only.status_code == 201, "the only frame may be taken anew in another way"
    assert only.json()["session"]["mode"] == "photo"


def test_a_phone_that_was_turned_is_noticed(begin, put, stored):
    session = begin()
    assert put(session, "1", stored(1), width=8, height=6).status_code == 201
    answer = put(session, "2", stored(2), width=6, height=8)
    assert answer.status_code == 409
    assert "6 x 8 px, the others of the front 8 x 6" in answer.json()["detail"]


def test_one_picture_is_not_two_lights(begin, put, stored):
    session = begin()
    put(session, "ambient", stored(1))
    answer = put(session, "2", stored(1))
    assert answer.status_code == 409
    assert "light 2 is byte for byte that of no light" in answer.json()["detail"]


def test_frames_of_a_camera_app_are_marked(begin, put, stored):
    session = put(begin(), "1", stored(1), mode="file").json()["session"]
    assert session["photometric"] is False


def test_a_cancelled_session_takes_no_frame_and_leaves_no_card(begin, put, stored, client):
    session = begin(card={"name": "Pikachu"})
    put(session, "1", stored(1))
    gone = client.post(f"/api/capture/sessions/{session['id']}/cancel").json()
    assert (gone["state"], gone["card"], gone["frames"]) == ("cancelled", None, [])
    answer = put(session, "2", stored(2))
    assert (answer.status_code, answer.json()["detail"]) == (409, "This session was cancelled.")
    light = client.post(f"/api/capture/sessions/{session['id']}/light", json={"light": "1"})
    assert light.status_code == 409
    assert client.get("/api/cards").json()["total"] == 0
    begin(card={"name": "Eevee"})  # the rig is free again


def test_cancelling_keeps_a_side_that_is_complete(begin, shoot, client, put, stored):
    session = begin(sides=["front", "back"])
    shoot(session)
    client.post(f"/api/capture/sessions/{session['id']}/side", json={})
    put(session, "1", stored(9), side="back")
    gone = client.post(f"/api/capture/sessions/{session['id']}/cancel").json()
    assert [frame["side"] for frame in gone["frames"]] == ["front"] * 5
    card = client.get(f"/api/cards/{session['card']['id']}").json()
    assert [capture["side"] for capture in card["captures"]] == ["front"]


def test_an_existing_card_keeps_its_earlier_capture_until_the_new_one_is_whole(begin, shoot, client):
    first = shoot(begin(card={"name": "Pikachu"}))
    card = first["card"]["id"]
    session = begin(card_id=card)
    shoot(session, first=5, lights=LIGHTS[:3])
    captures = client.get(f"/api/cards/{card}").json()["captures"]
    assert [capture["id"] for capture in captures] == [first["captures"]["front"]]
    client.post(f"/api/capture/sessions/{session['id']}/cancel")
    assert client.get(f"/api/cards/{card}").status_code == 200


def test_the_next_card_goes_on_with_the_same_rig_and_sides(begin, shoot, client):
    session = begin(ambient=False)
    early = client.post(f"/api/capture/sessions/{session['id']}/next-card", json={})
    assert early.status_code == 409
    assert "lacks 4 of 4 frames" in early.json()["detail"]
    shoot(session, lights=LIGHTS[1:])
    after = client.post(f"/api/capture/sessions/{session['id']}/next-card", json={"card": {"name": "Eevee"}})
    assert after.status_code == 201
    assert after.json()["wanted"] == LIGHTS[1:]
    assert after.json()["card"]["name"] == "Eevee"


def test_a_restart_in_the_middle_loses_nothing(begin, shoot, put, stored, parts, client, settings):
    session = begin()
    shoot(session, lights=LIGHTS[:3])
    parts.db.close()
    parts.db = parts.jobs.db = parts.auth._db = Database.in_folder(settings.data_dir)
    assert client.get(f"/api/capture/sessions/{session['id']}").json()["missing"] == ["3", "4"]
    for shade, light in ((3, "3"), (4, "4")):
        done = put(session, light, stored(shade)).json()["session"]
    assert done["state"] == "complete"
    assert len(queued(parts)) == 1


def test_every_change_is_told_with_a_rising_revision(begin, put, stored, parts):
    session = begin()
    put(session, "1", stored(1))
    put(session, "2", stored(2))
    told = [data for kind, data in parts.jobs.published if kind == "capture"]
    states = [data["state"] for data in told if data["type"] == "session"]
    assert [state["revision"] for state in states] == [0, 1, 2]
    assert [len(state["frames"]) for state in states] == [0, 1, 2]
    assert [data["light"] for data in told if data["type"] == "frame"] == ["1", "2"]


def test_guidance_is_mirrored_twice_a_second_at_most(begin, client, parts):
    session = begin()
    for words in ("Closer.", "Hold still."):
        answer = client.post(f"/api/capture/sessions/{session['id']}/guidance", json={"words": words})
        assert answer.status_code == 204
    told = [data["words"] for _, data in parts.jobs.published if data["type"] == "guidance"]
    assert told == ["Closer."]


def test_thumbnails_are_small_jpegs(begin, put, stored, client):
    file = io.BytesIO()
    Image.new("RGB", (16, 16), (9, 9, 9)).save(file, "JPEG")
    session = begin()
    small = base64.b64encode(file.getvalue()).decode()
    frame = put(session, "1", stored(1), thumbnail=small).json()["session"]["frames"][0]
    answer = client.get(frame["thumbnail_url"])
    assert (answer.content, answer.headers["content-type"]) == (file.getvalue(), "image/jpeg")
    script = base64.b64encode(b"<script>").decode()
    assert put(session, "2", stored(2), thumbnail=script).status_code == 422


def test_what_a_reader_may_not(begin, script):
    session = begin()
    reader = script("read")
    assert reader.get(f"/api/capture/sessions/{session['id']}").status_code == 200
    assert reader.post("/api/capture/sessions", json={}).status_code == 403
    assert reader.post(f"/api/capture/sessions/{session['id']}/cancel").status_code == 403


def test_a_lamp_in_the_hand_is_checked_frame_by_frame(client, put, stored, parts):
    client.post("/api/rigs", json={"name": "torch", "driver": "manual", "lights": RING})
    session = client.post("/api/capture/sessions", json={"rig": "torch"}).json()
    put(session, "ambient", stored(1), held=["exposure"])
    frame = put(session, "3", stored(2), held=["exposure"]).json()["session"]["frames"][1]
    assert frame["check"]["state"] == "waiting"
    with parts.db.read() as rows:
        (job,) = jobs.listing(rows, kind="frame_look", limit=9).rows
    assert (job.band, job.spec["names"], job.spec["ambient"]) == (0, ["1", "2", "3", "4"], stored(1))

    def settle(sha, state="wrong"):
        found = {key: job.spec[key] for key in ("session", "side", "light")} | {"sha256": sha}
        with parts.db.write() as rows:
            frame_look.accept(rows, job, found | {"check": {"state": state, "words": "It was stop 1."}})
        return client.get(f"/api/capture/sessions/{session['id']}").json()

    other = settle(stored(9))
    assert other["frames"][1]["check"]["state"] == "waiting", "a look at a frame that was taken again"
    marked = settle(stored(2))
    assert marked["frames"][1]["check"] == {"state": "wrong", "words": "It was stop 1.", "looks_like": None}
    assert marked["revision"] > other["revision"]
    again = put(session, "3", stored(4), taken_at=5000).json()["session"]["frames"]
    assert {frame["light"]: (frame["check"] or {}).get("state") for frame in again} == {
        "ambient": None, "3": "waiting",
    }  # fmt: skip


def test_frames_that_a_device_lit_are_not_looked_at(begin, shoot, parts):
    shoot(begin())
    with parts.db.read() as rows:
        assert list(jobs.listing(rows, kind="frame_look", limit=9).rows) == []
