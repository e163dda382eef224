"""A watched folder by REST: its files become a session's frames, the lights go along, the grading begins."""

import time

import pytest
from fastapi.testclient import TestClient

from rcg.api.services.capture import watching
from rcg.capture import watch as core
from rcg.capture.lights import y4m
from rcg.settings import CaptureSettings
from rcg.store.repositories import jobs

LIGHTS = ["ambient", "1", "2", "3", "4"]
RING = {"kind": "ring", "count": 4, "radius_mm": 150, "height_mm": 90}


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    monkeypatch.setattr(watching, "LOOK_S", 0.01)
    monkeypatch.setattr(core, "STILL_S", 0.01)


@pytest.fixture
def client(root, parts, tmp_path):
    tethered = tmp_path / "tethered"
    tethered.mkdir()
    extra = CaptureSettings(watch_folders=(tethered, tmp_path / "gone"))
    parts.settings = parts.settings.model_copy(update={"capture": extra})
    token = parts.auth.create_token("Desk", ["capture", "read"]).secret
    headers = {"authorization": f"Bearer {token}"}
    with TestClient(root, base_url="https://rcg.test:8443", headers=headers) as client:
        yield client
        client.portal.call(parts.watches.close)
        client.portal.call(parts.lights.close)


@pytest.fixture
def session(client, parts):
    scene = parts.settings.data_dir / "sim" / "card"
    scene.mkdir(parents=True)
    for name in LIGHTS:
        luma = 20 if name == "ambient" else 40 + 10 * int(name)
        y4m.write(scene / f"{name}.y4m", 8, 8, bytes([luma]) * 64 + bytes([128]) * 32)
    client.post("/api/rigs", json={"name": "ring", "driver": "sim", "lights": RING})
    return client.post("/api/capture/sessions", json={"card": {"name": "Pikachu"}}).json()


def until(ask, seconds=10):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := ask():
            return found
        time.sleep(0.02)
    raise AssertionError("it did not come to that")


def state_of(client, session):
    return client.get(f"/api/capture/sessions/{session['id']}").json()


def watch_of(client, session):
    return client.get(f"/api/capture/sessions/{session['id']}/watch").json()


def test_only_listed_folders_can_be_chosen(client, session, tmp_path):
    found = {one["name"]: one for one in client.get("/api/capture/folders").json()["items"]}
    assert set(found) == {"incoming", str(tmp_path / "tethered"), str(tmp_path / "gone")}
    assert found["incoming"]["problem"] is None
    assert "does not exist" in found[str(tmp_path / "gone")]["problem"]
    place = f"/api/capture/sessions/{session['id']}/watch"
    for name in ("/etc", "../..", str(tmp_path)):
        answer = client.put(place, json={"folder": name})
        assert answer.status_code == 422
        assert "capture.watch_folders" in answer.json()["hint"]
    assert client.put(place, json={"folder": str(tmp_path / "gone")}).status_code == 422
    assert client.get(place).status_code == 404


def test_files_become_frames_light_after_light_and_are_graded(client, session, parts, photo):
    folder = parts.settings.data_dir / "incoming"
    folder.mkdir(exist_ok=True)
    (folder / "earlier.jpg").write_bytes(photo(99))
    begun = client.put(f"/api/capture/sessions/{session['id']}/watch", json={})
    assert begun.status_code == 200, begun.text
    assert begun.json()["ignored"] == 1
    scene = parts.settings.data_dir / "sim" / "card" / "camera.y4m"
    for number, light in enumerate(LIGHTS):
        words = "No light is on" if light == "ambient" else f"Light {light} is on"
        until(lambda words=words: watch_of(client, session)["words"].startswith(words))
        assert y4m.read(scene).planes[0] == (20 if light == "ambient" else 40 + 10 * int(light))
        (folder / f"IMG_{number}.jpg").write_bytes(photo(number))
        until(lambda number=number: len(state_of(client, session)["frames"]) == number + 1)
    done = state_of(client, session)
    assert (done["state"], done["mode"], done["photometric"]) == ("complete", "folder", True)
    with parts.db.read() as rows:
        (grading,) = jobs.listing(rows, kind="grade", limit=9).rows
        looks = list(jobs.listing(rows, kind="frame_look", limit=9).rows)
    assert grading.id == done["job_id"]
    assert {(job.spec["picture"], job.spec["check"]) for job in looks} == {(True, False)}
    assert len(looks) == len(LIGHTS)
    until(lambda: not watch_of(client, session)["active"])
    notes = watch_of(client, session)["notes"]
    assert [(note["file_name"], note["light"]) for note in notes] == [
        (f"IMG_{number}.jpg", light) for number, light in enumerate(LIGHTS)
    ]
    assert len(list(folder.iterdir())) == 6, "nothing was removed"
    told = [data for _, data in parts.jobs.published if data.get("type") == "watch"]
    assert told[-1]["watch"]["active"] is False


def test_what_is_left_aside_is_told_and_one_folder_serves_one_card(client, session, parts, photo):
    place = f"/api/capture/sessions/{session['id']}/watch"
    client.put(place, json={})
    folder = parts.settings.data_dir / "incoming"
    (folder / "1.jpg").write_bytes(photo(1))
    until(lambda: watch_of(client, session)["notes"])
    (folder / "again.jpg").write_bytes(photo(1))
    note = until(lambda: watch_of(client, session)["notes"][1:])[0]
    assert note["light"] is None
    assert "byte for byte 1.jpg" in note["words"]
    client.post("/api/rigs", json={"name": "torch", "driver": "manual", "lights": RING})
    other = client.post("/api/capture/sessions", json={"rig": "torch"}).json()
    answer = client.put(f"/api/capture/sessions/{other['id']}/watch", json={})
    assert (answer.status_code, answer.json()["data"]["session"]) == (409, session["id"])
    assert client.delete(place).status_code == 204
    assert client.put(f"/api/capture/sessions/{other['id']}/watch", json={}).status_code == 200
    words = until(lambda: watch_of(client, other)["words"])
    assert words == "Switch the lamp off. Then release the shutter."
    (folder / "late.jpg").write_bytes(photo(7))
    until(lambda: state_of(client, other)["frames"])
    assert len(state_of(client, session)["frames"]) == 1


def test_a_watch_goes_on_after_a_restart_and_takes_nothing_twice(client, session, parts, photo):
    place = f"/api/capture/sessions/{session['id']}/watch"
    folder = parts.settings.data_dir / "incoming"
    folder.mkdir(exist_ok=True)
    (folder / "earlier.jpg").write_bytes(photo(99))
    client.put(place, json={})
    (folder / "0.jpg").write_bytes(photo(0))
    until(lambda: state_of(client, session)["frames"])
    (record,) = (parts.settings.data_dir / "watches").iterdir()
    before = until(lambda: (text := record.read_text()) and "0.jpg" in text and text)
    (folder / "1.jpg").write_bytes(photo(1))
    until(lambda: "1.jpg" in record.read_text())
    client.portal.call(parts.watches.close)
    assert client.get(place).status_code == 404
    record.write_text(before)  # as a kill between taking a frame and noting it down leaves it
    (folder / "2.jpg").write_bytes(photo(2))  # while nobody looked
    client.portal.call(parts.watches.resume, parts)
    until(lambda: len(watch_of(client, session)["notes"]) == 2)
    now = watch_of(client, session)
    assert (now["active"], now["ignored"]) == (True, 1)
    assert {note["file_name"]: note["light"] for note in now["notes"]} == {"1.jpg": None, "2.jpg": "2"}
    assert [frame["light"] for frame in state_of(client, session)["frames"]] == ["ambient", "1", "2"]
    client.portal.call(parts.watches.close)
    record.write_text("{")
    client.portal.call(parts.watches.resume, parts)
    assert client.get(place).status_code == 404


def test_a_watch_that_was_ended_is_not_taken_up_again(client, session, parts):
    place = f"/api/capture/sessions/{session['id']}/watch"
    client.put(place, json={})
    assert client.delete(place).status_code == 204
    client.portal.call(parts.watches.resume, parts)
    assert client.get(place).status_code == 404


def test_a_light_that_fails_is_told_and_the_frames_go_on(client, session, parts, photo):
    (parts.settings.data_dir / "sim" / "card" / "ambient.y4m").unlink()
    client.put(f"/api/capture/sessions/{session['id']}/watch", json={})
    problem = until(lambda: watch_of(client, session)["problem"])
    assert "ambient" in problem
    (parts.settings.data_dir / "incoming" / "1.jpg").write_bytes(photo(1))
    until(lambda: state_of(client, session)["frames"])
