"""Runs the jobs that the written-down job system keeps: compute, then accept in one transaction."""

import io
import shutil
from pathlib import Path

import numpy as np
from PIL import Image

from rcg.jobs.handler import HANDLERS
from rcg.jobs.loading import load
from rcg.store.models import Job


class Context:
    """What ``compute`` sees of the world."""

    threads = 1

    def __init__(self, data_dir, job_id, attempt=1):
        self.job_id, self.attempt, self.data_dir = job_id, attempt, Path(data_dir)
        self.scratch = self.data_dir / "jobs" / job_id / f"attempt-{attempt}"
        shutil.rmtree(self.scratch, ignore_errors=True)
        self.scratch.mkdir(parents=True)
        self.said, self.logged = [], []

    def progress(self, fraction, message=""):
        assert 0 <= fraction <= 1
        self.said.append((fraction, message))

    def log(self, text, level="info"):
        self.logged.append((level, text))

    def event(self, kind, data):
        pass

    def check(self):
        pass


def run_job(parts, job_id, attempt=1):
    """Compute a job and take its result in, as a slot does; return the result and the context."""
    with parts.db.read() as session:
        job = session.get(Job, job_id)
    handler = HANDLERS[job.kind]
    context = Context(parts.settings.data_dir, job_id, attempt)
    result = load(handler.compute)(context, job.spec)
    with parts.db.write() as session:
        row = session.get(Job, job_id)
        row.state = "done"
        row.result = load(handler.accept)(session, row, result)
        result = row.result
    return result, context


def image(width=300, height=400, shade=0, kind="JPEG", **options):
    """A picture with some structure, different for each shade."""
    y, x = np.mgrid[0:height, 0:width]
    pixels = np.stack([x * 255 // width, y * 255 // height, np.full_like(x, (37 * shade) % 256)], 2)
    file = io.BytesIO()
    Image.fromarray(pixels.astype(np.uint8)).save(file, kind, **options)
    return file.getvalue()


def drawing(seed, kind="JPEG", **options):
    """A picture that no other seed gives one like: blocks of many shades."""
    blocks = np.random.default_rng(seed).integers(0, 256, (8, 6), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(np.kron(blocks, np.ones((50, 50), np.uint8))).convert("RGB").save(file, kind, **options)
    return file.getvalue()


def upload(client, dataset, **files):
    """Send files by name."""
    return client.post(
        f"/api/datasets/{dataset}/files", files=[("files", (name, data)) for name, data in files.items()]
    )


def shape(label="dent", x=10.0, **more):
    """An annotation of a box."""
    return {
        "label": label,
        "shape": {"type": "box", "x": x, "y": 20.0, "width": 30.0, "height": 40.0},
        **more,
    }
