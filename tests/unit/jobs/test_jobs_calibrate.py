"""The job that measures a rig's lights: frames in, a proposal and a picture of the ball out."""

import cv2
import numpy as np
import pytest

from rcg.errors import RcgError
from rcg.jobs.calibrate import accept, compute
from rcg.photometric.render.ball import BallScene, render_ball
from rcg.store.blobs import BlobStore

ANGLE = np.deg2rad(90 * np.arange(4))
LIGHTS = np.column_stack([150 * np.sin(ANGLE), 150 * np.cos(ANGLE), np.full(4, 90.0)])
RING = {"kind": "ring", "count": 4, "radius_mm": 140, "height_mm": 84}


class Context:
    threads = 1

    def __init__(self, folder):
        self.data_dir = folder
        self.told = []

    def progress(self, fraction, message=""):
        self.told.append(fraction)

    def log(self, text, level="info"):
        pass


@pytest.fixture
def order(tmp_path, monkeypatch):
    monkeypatch.setenv("RCG_HOME", str(tmp_path))
    blobs = BlobStore(tmp_path / "blobs")
    frames = []
    for frame in render_ball(BallScene(LIGHTS, finish="black", frame_size=(200, 200), width_mm=40)):
        info = blobs.add(cv2.imencode(".png", frame.pixels)[1].tobytes())
        frames.append({"light": frame.name, "sha256": info.sha256, "file_name": frame.file_name})
    spec = {"rig_id": "r", "what": "ball", "places": RING, "sets": [frames], "options": {"ball_mm": 25}}
    return Context(tmp_path), spec


def test_a_ball_is_measured_with_the_rigs_distances_and_shown(order):
    context, spec = order
    result = compute(context, spec)
    found = result["calibration"]
    assert (found["near"], found["distance"]) == (True, "told")
    away = np.linalg.norm([light["vector"] for light in found["lights"]], axis=1)
    assert away == pytest.approx(np.hypot(140, 84), rel=1e-4)
    assert context.told == sorted(context.told)
    picture = BlobStore(context.data_dir / "blobs").read(result["pictures"][0]["sha256"])
    assert cv2.imdecode(np.frombuffer(picture, np.uint8), cv2.IMREAD_COLOR).shape == (480, 480, 3)
    assert compute(context, spec)["pictures"] == result["pictures"], "twice the same"
    kept = []

    class Blobs:
        def get(self, _kind, sha):
            return kept.append(sha) or object()

    assert accept(Blobs(), None, result) is result
    assert kept == [result["pictures"][0]["sha256"]]


def test_a_rig_with_places_needs_the_balls_size(order):
    context, spec = order
    with pytest.raises(RcgError, match="diameter was not given"):
        compute(context, spec | {"options": {}})
