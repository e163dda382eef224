"""A run written by hand: its dataset and version, its row, its event log, its samples, its model."""

import hashlib
import io
import json
import math

from PIL import Image, ImageDraw

from rcg.datasets import manifest
from rcg.datasets.kinds import resolve
from rcg.store.dataset_models import Dataset, DatasetVersion
from rcg.store.db import now_ms
from rcg.store.models import Job
from rcg.store.repositories import blobs
from rcg.store.training_models import Model, Run
from rcg.training.architectures import ARCHITECTURES
from rcg.training.spec import DatasetRef, MaskOptions, RunSpec, Stop, Target

CLASSES = ("dent", "scratch", "stain")
SIZE = (160, 224)


def add_version(container, name="Rendered <b>dents</b>"):
    """A dataset of surface damage with a version of no items; returns the ids and the manifest's hash."""
    kind = resolve("surface_damage")
    header = manifest.Header(
        dataset=name, kind=kind.name, number=1, label_schema=kind.label_schema, items=0, split={"seed": 0}
    )
    out = io.BytesIO()
    sha256 = manifest.write(header, [], out)
    info = container.blobs.add(out.getvalue())
    with container.db.write() as session:
        blobs.ensure(session, info, "application/jsonl")
        dataset = Dataset(name=name, kind=kind.name, label_schema=kind.label_schema.model_dump(mode="json"))
        session.add(dataset)
        session.flush()
        version = DatasetVersion(
            dataset_id=dataset.id, dataset_name=name, kind=kind.name, number=1, manifest_sha256=sha256,
            content_sha256=sha256, split={"seed": 0},
            summary={
                "items": 96, "annotations": 260, "classes": {"dent": 90, "scratch": 100, "stain": 70},
                "layers": {"colour": 96, "albedo": 96, "normal": 96, "curvature": 96},
                "splits": {"train": {"items": 64, "cards": 64, "annotations": 170},
                           "val": {"items": 32, "cards": 32, "annotations": 90},
                           "test": {"items": 0, "cards": 0, "annotations": 0}},
            },
        )  # fmt: skip
        session.add(version)
        session.flush()
        return dataset.id, version.id, sha256


def make_spec(manifest_sha256, name="Rendered <b>dents</b>", target=0.8, steps=240, relief=True):
    """A quick Mask R-CNN, with relief or without."""
    return RunSpec(
        dataset=DatasetRef(name=name, kind="surface_damage", version=1, manifest_sha256=manifest_sha256),
        architecture=next(iter(ARCHITECTURES)),
        preset="quick",
        channels=("colour", "normal", "curvature") if relief else ("colour",),
        model=MaskOptions(),
        steps=steps,
        input_size=SIZE,
        eval_every=24,
        checkpoint_every=48,
        stop=Stop(target=Target(metric="mask_ap50", value=target)),
        metric="mask_ap50",
    )


def add_run(container, *, name="Quick <b>run</b>", state="running", upto=120, relief=True, **values):
    """A run with its row and its log up to a step; returns its id."""
    dataset_id, version_id, sha256 = add_version(container, f"{name} data")
    spec = make_spec(sha256, f"{name} data", relief=relief)
    evaluated = range(24, upto + 1, 24)
    best = quality(evaluated[-1], relief)[0] if evaluated else None
    row = {
        "name": name, "dataset_id": dataset_id, "dataset_name": f"{name} data", "version_id": version_id,
        "kind": "surface_damage", "architecture": spec.architecture, "preset": spec.preset,
        "spec": spec.model_dump(mode="json"), "spec_sha256": spec.sha256(), "state": state, "step": upto,
        "steps": spec.steps, "metric": "mask_ap50", "best": best,
        "best_step": evaluated[-1] if best else None,
        "started_at": 1_764_000_000_000 if upto else None, "job_id": None,
        "finished_at": 1_764_000_100_000 if state in {"done", "failed", "cancelled"} else None,
    }  # fmt: skip
    with container.db.write() as session:
        run = Run(**(row | values))
        session.add(run)
        session.flush()
        run_id = run.id
        job = Job(kind="train", title=f"Train {name}", subject=f"run:{run_id}", spec={"run_id": run_id},
                  resource="train", state="running" if state == "running" else "done")  # fmt: skip
        session.add(job)
        session.flush()
        run.job_id = job.id
    if upto:
        write_log(container.settings.data_dir / "runs" / run_id, spec, upto)
    return run_id


class Log:
    """Writes rows as a training writes them, and hands them to ``tell``."""

    def __init__(self, folder, attempt=1, tell=None):
        self.attempt, self.tell = attempt, tell or (lambda _row: None)
        (folder / f"attempt-{attempt}").mkdir(parents=True, exist_ok=True)
        self.path = folder / f"attempt-{attempt}" / "events.jsonl"
        logs = [path.read_text().splitlines() for path in folder.glob("attempt-*/events.jsonl")]
        self.seq = max((json.loads(lines[-1])["seq"] for lines in logs if lines), default=-1)

    def append(self, kind, **data):
        self.seq += 1
        row = {"seq": self.seq, "attempt": self.attempt, "t": now_ms(), "kind": kind, **data}
        with self.path.open("a") as file:
            file.write(json.dumps(row, separators=(",", ":")) + "\n")
        self.tell(row)


def write_log(folder, spec, upto):
    """What a training would have written up to a step."""
    log = Log(folder)
    log.append("start", steps=spec.steps, from_step=0, device="cpu", threads=2,
               items={"train": 64, "val": 32}, parameters=1_640_000)  # fmt: skip
    log.append("state", state="running", reason="", step=0)
    for step in range(1, upto + 1):
        advance(log, folder, spec, step)


def advance(log, folder, spec, step):
    """The rows of one step."""
    wave = math.sin(step * 12.9898) * 0.5
    fall = math.exp(-step / 70)
    losses = {
        "loss_classifier": 0.12 + 0.9 * fall * (1 + 0.3 * wave),
        "loss_box_reg": 0.08 + 0.35 * fall * (1 + 0.4 * math.sin(step * 7.1)),
        "loss_mask": 0.25 + 0.5 * fall * (1 + 0.25 * math.cos(step * 3.7)),
        "loss_objectness": 0.04 + 0.6 * math.exp(-step / 25) * (1 + 0.3 * wave),
        "loss_rpn_box_reg": 0.03 + 0.1 * fall * (1 + 0.5 * math.cos(step * 5.3)),
    }
    rate = (
        0.002 * min(1, step / 30) * (1 if step < 144 else 0.5 + 0.5 * math.cos((step - 144) / 96 * math.pi))
    )
    log.append("step", step=step, epoch=round(step / 16, 3), loss=round(sum(losses.values()), 6),
               losses={name: round(value, 6) for name, value in losses.items()}, lr=round(rate, 8),
               grad_norm=round(1.4 + 3 * fall + wave, 4), data_s=0.006, step_s=round(0.142 + 0.02 * wave, 4),
               images_per_s=28.1)  # fmt: skip
    if step % 8 == 0:
        log.append("sys", step=step, cpu=round(88 + 8 * wave, 1), process_cpu=190.0, ram_mb=3400 + step,
                   ram_total_mb=8200, process_mb=900 + step, gpu=[])  # fmt: skip
        left = (spec.steps - step) * 0.15
        log.append("eta", step=step, seconds_p10=round(0.9 * left, 1), seconds_p50=round(left, 1),
                   seconds_p90=round(1.2 * left + 2, 1))  # fmt: skip
    if step % spec.eval_every == 0:
        evaluate(log, folder, step, relief="normal" in spec.channels)
    if step % spec.checkpoint_every == 0:
        log.append(
            "checkpoint", step=step, file=f"step-{step:06d}.pt", sha256="0" * 64, bytes=9_000_000, best=False
        )


def quality(step, relief=True):
    """Mask AP50 in all and per class at a step; without relief no dent is found."""
    grown = 1 - math.exp(-step / 60)
    classes = {
        "dent": 0.97 * grown**1.4 if relief else 0.0,
        "scratch": 0.82 * grown**1.8,
        "stain": 0.95 * grown,
    }
    return round(sum(classes.values()) / 3, 4), {name: round(value, 4) for name, value in classes.items()}


def figures_of(overall):
    """Metrics that go with a Mask AP50."""
    return {"mask_ap50": overall, "mask_ap": round(0.62 * overall, 4), "box_ap50": round(0.97 * overall, 4)}


def interval_of(overall):
    """Its interval."""
    return {"mask_ap50": [round(0.9 * overall, 4), round(min(1, 1.07 * overall), 4)]}


def evaluate(log, folder, step, relief=True):
    """An evaluation with two samples."""
    overall, classes = quality(step, relief)
    log.append("eval", step=step, seconds=0.9, items=32, best=True,
               metrics=figures_of(overall) | {"recall_1fa": round(0.9 * overall, 4)},
               per_class={name: {"mask_ap50": value, "mask_ap": round(0.6 * value, 4)}
                          for name, value in classes.items()},
               interval=interval_of(overall))  # fmt: skip
    samples = folder / "samples" / f"step-{step:06d}"
    samples.mkdir(parents=True, exist_ok=True)
    for index in range(8):
        (samples / f"{index}.webp").write_bytes(picture(index))
        x, y, drift = 40 + 7 * index, 60 + 9 * index, 26 * math.exp(-step / 60)
        truth = [
            {"label": "dent", "shape": blob(x, y, 12)},
            {"label": "scratch", "shape": blob(x + 45, y + 60, 9, 22)},
        ]
        found = [
            {
                "label": "dent",
                "score": round(0.3 + 0.65 * (1 - math.exp(-step / 50)), 3),
                "shape": blob(x + drift, y - drift, 12 + drift / 3),
            }
        ]
        found = found if relief else []
        if step >= 72:
            found.append({"label": "scratch", "score": 0.71, "shape": blob(x + 45 - drift, y + 60, 9, 20)})
        found.append(
            {
                "label": "stain",
                "score": 0.18,
                "shape": {"type": "box", "x": 20, "y": 150, "width": 30, "height": 20},
            }
        )
        log.append("sample", step=step, index=index, item=f"item{index}", name=f"card-{index:03d}",
                   file=f"{index}.webp", width=SIZE[0], height=SIZE[1],
                   truth=truth, predicted=found)  # fmt: skip


def blob(x, y, across, down=None):
    """An oval outline."""
    down = down or across
    ring = [[x + across * math.cos(a * math.pi / 8), y + down * math.sin(a * math.pi / 8)] for a in range(16)]
    return {"type": "polygon", "parts": [{"outer": ring, "holes": []}]}


def picture(index):
    """A card-like picture."""
    image = Image.new("RGB", SIZE, (40, 42, 46))
    pen = ImageDraw.Draw(image)
    pen.rounded_rectangle((8, 8, 151, 215), 6, fill=(232, 228, 214))
    pen.rectangle((18, 22, 141, 202), fill=(60 + 20 * index % 160, 90, 150 - 12 * index))
    pen.ellipse((50, 60, 120, 130), fill=(200, 160 - 10 * index, 80))
    out = io.BytesIO()
    image.save(out, "WEBP", quality=80)
    return out.getvalue()


def add_model(container, run_id, *, in_use=False, name="Quick model"):
    """The model that a run published; returns its id."""
    info = container.blobs.add(hashlib.sha256(run_id.encode()).digest())
    with container.db.write() as session:
        blobs.ensure(session, info, "application/octet-stream")
        run = session.get(Run, run_id)
        overall, classes = quality(run.best_step or 240)
        kind = resolve(run.kind)
        figures = figures_of(overall)
        config = {
            "rcg": "model", "format": 1, "name": name, "architecture": run.architecture, "kind": run.kind,
            "label_schema": json.loads(kind.label_schema.model_dump_json()),
            "layers": run.spec["channels"], "channels": [{"name": "colour.r", "mean": 0.5, "std": 0.25}],
            "input_size": list(SIZE), "model": run.spec["model"], "parameters": 1_640_000,
            "metric": "mask_ap50", "metrics": figures, "interval": interval_of(overall),
            "per_class": {key: {"mask_ap50": value} for key, value in classes.items()},
            "lineage": {"dataset": run.spec["dataset"], "spec_sha256": run.spec_sha256,
                        "step": run.best_step or 240, "seed": 0, "device": "cpu", "rcg": "0", "torch": "2",
                        "weights": ""},
        }  # fmt: skip
        model = Model(name=name, run_id=run_id, dataset_name=run.dataset_name, version_id=run.version_id,
                      kind=run.kind, architecture=run.architecture, task="instance", config=config,
                      weights_sha256=info.sha256, metrics=figures, in_use=in_use)  # fmt: skip
        session.add(model)
        session.flush()
        return model.id
