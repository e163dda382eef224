"""A rig's calibration by REST: kept, taken back, void, given out; settle times; which captures fit."""

import io
import json

import numpy as np
import pytest
from fastapi.testclient import TestClient
from PIL import Image

from rcg.capture.lights.calibration import spec_of
from rcg.capture.lights.places import PLACES
from rcg.photometric.light_files import parse_lp, parse_rig
from rcg.photometric.lights import LightsSpec, resolve
from rcg.store.models import Job
from rcg.store.repositories import blobs, captures, cards, rigs

RING = {"kind": "ring", "radius_mm": 150, "height_mm": 90, "count": 4}
NAMES = ["1", "2", "3", "4"]
AT = 1_764_000_000_000  # 2025-11-24


def lights(near=True, shift=0.0, names=NAMES):
    vectors = [[0, 140 + shift, 80], [140, 0, 80], [0, -140, 80], [-140, 0, 80]]
    rows = [{"name": n, "vector": v, "se_deg": 0.2} for n, v in zip(names, vectors, strict=False)]
    return {"what": "lights", "by": "ball", "at": AT, "near": near, "lights": rows}


def flat():
    log = [[0.01 * k, 0.1, -0.1, *[0.0] * 12] for k in range(4)]
    rows = [{"name": n, "level": 1.0, "unevenness": 0.4, "residual": 0.001} for n in NAMES]
    return {
        "what": "flat",
        "at": AT,
        "half_mm": [29, 41],
        "log": log,
        "lights": rows,
        "where": "the card's outline",
    }


@pytest.fixture
def client(root, parts):
    token = parts.auth.create_token("test", ["capture", "read"]).secret
    with TestClient(
        root, base_url="https://rcg.test:8443", headers={"authorization": f"Bearer {token}"}
    ) as client:
        yield client
        client.portal.call(parts.lights.close)


@pytest.fixture
def rig(client):
    return client.post("/api/rigs", json={"name": "ring", "driver": "manual", "lights": RING}).json()


def put(client, calibration, code=200):
    answer = client.put("/api/rigs/ring/calibration", json={"calibration": calibration})
    assert answer.status_code == code, answer.text
    return answer.json()


def used(client):
    spec = LightsSpec.model_validate(client.get("/api/rigs/ring/lights").json())
    return resolve(spec, NAMES)


def test_what_is_kept_goes_before_what_was_told(client, rig):
    assert used(client).measured is None
    put(client, lights())
    kept = put(client, flat())
    found = used(client)
    assert found.positions_mm[0] == pytest.approx([0, 140, 80])
    assert (found.measured.by, found.measured.at, found.measured.rig) == ("ball", "2025-11-24", "ring")
    assert found.flat_field.log[1, 0] == pytest.approx(0.01)
    assert kept["calibrated"]
    assert kept["lights"] == rig["lights"], "what was told stays"


def test_the_calibration_before_can_be_taken_back_and_forth(client, rig):
    put(client, lights())
    put(client, lights(shift=20))
    assert used(client).positions_mm[0, 1] == 160
    restore = lambda: client.post("/api/rigs/ring/calibration/restore", json={"what": "lights"})  # noqa: E731
    assert restore().status_code == 200
    assert used(client).positions_mm[0, 1] == 140
    assert restore().status_code == 200
    assert used(client).positions_mm[0, 1] == 160
    assert client.delete("/api/rigs/ring/calibration/lights").status_code == 200
    assert used(client).measured is None
    assert restore().status_code == 200
    assert used(client).positions_mm[0, 1] == 160
    answer = client.post("/api/rigs/ring/calibration/restore", json={"what": "flat"})
    assert answer.status_code == 409


def test_other_places_make_measured_places_void_and_keep_the_flat_field(client, rig):
    put(client, lights())
    put(client, flat())
    client.patch("/api/rigs/ring", json={"lights": RING | {"height_mm": 95}})
    found = used(client)
    assert found.measured is None
    assert found.positions_mm[0, 2] == 95
    assert found.flat_field is not None
    client.patch("/api/rigs/ring", json={"lights": RING | {"count": 8}})
    after = client.get("/api/rigs/ring").json()["calibration"]
    assert "flat" not in after
    assert len(after["earlier"]["flat"]) == 1
    answer = client.post("/api/rigs/ring/calibration/restore", json={"what": "flat"})
    assert answer.status_code == 422
    assert "the rig has 1, 2, 3, 4, 5" in answer.json()["detail"]


def test_another_name_changes_nothing_that_was_measured(client, rig):
    put(client, lights())
    client.patch("/api/rigs/ring", json={"name": "ring 2", "lights": RING})  # as the form sends it
    assert client.get("/api/rigs/ring 2").json()["calibration"]["lights"]["by"] == "ball"


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (lights(names=["1", "2", "3", "5"]), "it has 1, 2, 3, 4"),
        (lights() | {"by": "guess"}, "by"),
        (flat() | {"log": [[0.0] * 14] * 4}, "15 numbers"),
        (lights() | {"lights": [{"name": n, "vector": [100, 0, -50]} for n in NAMES]}, "below the card"),
        ({"what": "else"}, "what"),
    ],
)
def test_what_does_not_belong_to_the_rig_is_refused(client, rig, wrong, words):
    answer = put(client, wrong, 422)
    assert words.replace("it has", "the rig has") in answer["detail"]
    assert client.get("/api/rigs/ring").json()["calibration"] == {}


def test_a_rig_with_named_lights_stays_uncalibrated_with_a_flat_field():
    named = PLACES.validate_python({"kind": "named", "count": 4, "elevation_deg": 40})
    found = resolve(spec_of(named, {"flat": flat()}, "r"), NAMES)
    assert (found.calibrated, found.assumed_elevation_deg) == (False, 40)
    assert found.flat_field is not None
    assert resolve(spec_of(named, {"lights": lights(near=False)}, "r"), NAMES).calibrated


def test_the_slowest_light_is_waited_for(client, rig):
    for light, seconds in (("1", 0.04), ("3", 0.12), ("2", 0.06)):
        answer = client.post("/api/rigs/ring/settle", json={"light": light, "seconds": seconds})
        assert answer.status_code == 200, answer.text
    rig = answer.json()
    assert (rig["settle_ms"], rig["wait_ms"]) == (120, 120)
    assert rig["calibration"]["settle"]["2"]["seconds"] == 0.06
    for light in ("9", "all"):
        answer = client.post("/api/rigs/ring/settle", json={"light": light, "seconds": 0.1})
        assert answer.status_code == 422
        assert "no light" in answer.json()["detail"]
    assert client.patch("/api/rigs/ring", json={"driver": "screen"}).json()["settle_ms"] is None
    assert "settle" not in client.get("/api/rigs/ring").json()["calibration"]


def test_lights_are_given_out_as_files(client, rig):
    put(client, lights())
    put(client, flat())
    lp = client.get("/api/rigs/ring/lights.lp")
    assert 'filename="ring.lp"' in lp.headers["content-disposition"]
    listed = parse_lp(lp.text)
    assert listed.names[0] == "1.jpg"
    assert np.linalg.norm(listed.vectors, axis=1) == pytest.approx(1, abs=1e-5)
    rig_file = parse_rig(client.get("/api/rigs/ring/lights.toml").text)
    assert rig_file.near
    assert rig_file.flat_field is not None


def test_a_capture_of_other_lights_is_refused_and_one_of_the_rig_becomes_a_job(client, parts, rig):
    with parts.db.write() as session:
        card = cards.add(session, name="white", set_name="", notes="")
        made = {}
        for lights_of, key in ((NAMES, "good"), (["1", "2", "3"], "short")):
            capture = captures.add(session, card, "front")
            for name in lights_of:
                sha = parts.blobs.add(f"{key}{name}".encode())
                blobs.ensure(session, sha, "image/png")
                captures.put_frame(session, capture, light=name, sha256=sha.sha256, file_name=f"{name}.png")
            made[key] = capture.id
    path = "/api/rigs/ring/calibrations"
    answer = client.post(path, json={"what": "flat", "capture_ids": [made["short"]]})
    assert answer.status_code == 422
    assert "1, 2, 3" in answer.json()["detail"]
    job = client.post(path, json={"what": "flat", "capture_ids": [made["good"]]})
    assert job.status_code == 202, job.text
    assert job.json()["kind"] == "calibrate"
    answer = client.put("/api/rigs/ring/calibration", json={"job_id": job.json()["id"]})
    assert answer.status_code == 409, "it has not been measured yet"


def png(shade):
    file = io.BytesIO()
    Image.new("L", (8, 8), shade).save(file, "PNG")
    return file.getvalue()


def test_files_are_told_apart_by_name_or_order_and_counted(client, parts, rig):
    def send(names, **fields):
        files = [("files", (name, png(shade), "image/png")) for shade, name in enumerate(names, 40)]
        return client.post("/api/rigs/ring/calibrations/files", data={"what": "ball", **fields}, files=files)

    answer = send(["IMG_1.png", "IMG_2.png"])
    assert answer.status_code == 422
    assert "2 photographs" in answer.json()["detail"]
    assert send(NAMES, what="moon").status_code == 422
    assert send([f"{n}.png" for n in NAMES], options=json.dumps({"ball_mm": -3})).status_code == 422
    job = send(
        ["a/DSC1.png", "a/DSC2.png", "a/DSC3.png", "a/DSC4.png", "b/4.png", "b/3.png", "b/2.png", "b/1.png"]
    )
    assert job.status_code == 202, job.text
    with parts.db.read() as session:
        spec = session.get(Job, job.json()["id"]).spec
        assert rigs.get(session, "ring").id == spec["rig_id"]
    assert [[frame["light"] for frame in each] for each in spec["sets"]] == [NAMES, NAMES[::-1]]
