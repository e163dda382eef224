"""``rcg bench training``: what the quick recipe learns of rendered cards, and what the loop costs.

Everything is measured on held-out cards. The controls must fail: without the relief a dent cannot be found,
and with shuffled labels nothing can be learnt. Steps count, not seconds, so the figures of accuracy are those
of any machine.
"""

from __future__ import annotations

import contextlib
import io
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import torch
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval
from torch import Tensor, nn

from rcg.bench.live import bench_live
from rcg.bench.rendered_set import Folder, rendered_set
from rcg.bench.table import Table
from rcg.datasets.kinds import resolve
from rcg.training import devices
from rcg.training.evaluate import outputs_of
from rcg.training.events import EventLog, Row
from rcg.training.loop import Loop, Parts
from rcg.training.mask_figures import coco_data, coco_precision
from rcg.training.plan import plan
from rcg.training.spec import RunSpec
from rcg.training.summary import summarise
from rcg.training.train import Calls, _prepare, train

KIND: Final = "photometric_fusion"
TRAIN, VAL, SEED = 64, 32, 1
EARLY, LATE = 160, 300
RELIEF: Final = ("colour", "albedo", "normal", "curvature")
COLOUR: Final = ("colour", "albedo")
ONLY_RELIEF: Final = "dent"
_PAIRS: Final = 40
_WARM_UP: Final = 3
Say = Callable[[str], None]


@dataclass(frozen=True)
class Learnt:
    """Figures of one run: per evaluated step metrics and per class, and how the time went."""

    metrics: dict[int, dict[str, float]]
    per_class: dict[int, dict[str, dict[str, float]]]
    evaluating: float
    seconds: float


def bench_training(threads: int = 2, folder: Path | None = None, say: Say = lambda _: None) -> Table:
    """Measure.

    Args:
        threads: compute threads.
        folder: where the rendered cards are kept for the next time; None: thrown away.
        say: told what is going on.
    """
    table = Table(f"rcg bench training ({TRAIN} cards to learn from, {VAL} held out, {threads} threads)")
    with tempfile.TemporaryDirectory(prefix="rcg-bench-") as scratch:
        home = folder or Path(scratch) / "cards"
        say(f"Rendering {TRAIN + VAL} cards ...")
        cards = rendered_set(home, KIND, TRAIN, VAL, seed=SEED, threads=threads)
        work = Path(scratch)
        _accuracy(table, cards, work, threads, say)
        say("The loop against a bare one ...")
        _loop(table, cards, work, threads)
        _judges(table, cards, work)
    bench_live(table, say)
    return table


def _accuracy(table: Table, cards: Folder, work: Path, threads: int, say: Say) -> None:
    say(f"With relief, {LATE} steps ...")
    relief = learn(spec_of(cards, RELIEF, LATE), cards, work / "relief", threads)
    at = relief.metrics
    table.add(
        f"held-out mask AP50, step {EARLY}", at[EARLY]["mask_ap50"], "", ">= 0.5", "with relief, no weights"
    )
    table.add(
        f"held-out mask AP50, step {LATE}", at[LATE]["mask_ap50"], "", ">= 0.9", "with relief, no weights"
    )
    for name, figures in relief.per_class[LATE].items():
        table.add(f"AP50 of {name}, step {LATE}", figures["mask_ap50"], "", "", "relief channels")
    share = relief.evaluating / max(relief.seconds, 1e-9)
    table.add(
        "share of the run spent evaluating", 100 * share, "%", "<= 10 %", f"evaluated at {EARLY} and {LATE}"
    )
    say(f"Without relief, {LATE} steps ...")
    colour = learn(spec_of(cards, COLOUR, LATE), cards, work / "colour", threads)
    table.add(
        f"AP50 of {ONLY_RELIEF} without relief", _class(colour, LATE), "", "<= 0.05",
        f"with relief {_class(relief, LATE):.3f}, asked >= 0.9",
    )  # fmt: skip
    table.add(f"mask AP50 without relief, step {LATE}", colour.metrics[LATE]["mask_ap50"], "")
    say(f"Shuffled labels, {EARLY} steps ...")
    wrong = learn(spec_of(cards, RELIEF, EARLY, shuffle_labels=True), cards, work / "shuffled", threads)
    table.add(
        "mask AP50, shuffled labels",
        wrong.metrics[EARLY]["mask_ap50"],
        "",
        "< 0.25",
        "a control that must fail",
    )


def spec_of(cards: Folder, channels: tuple[str, ...], steps: int, **options: Any) -> RunSpec:
    """Return the quick recipe for some channels."""
    summary = summarise(cards.manifest)
    overrides = {
        "channels": list(channels),
        "steps": steps,
        "eval_every": EARLY,
        "checkpoint_every": 1000,
        **options,
    }
    architecture = "photometric_fusion" if channels == RELIEF else "mask_rcnn_primary"
    return plan(summary, resolve(KIND), architecture, "quick", overrides).spec


def learn(spec: RunSpec, cards: Folder, run_dir: Path, threads: int) -> Learnt:
    """Train and return the figures of each evaluation."""
    rows: list[Row] = []
    began = time.perf_counter()
    train(spec, cards.manifest, cards.path_of, run_dir, on_event=rows.append, threads=threads)
    evaluations = [row for row in rows if row["kind"] == "eval"]
    return Learnt(
        {row["step"]: row["metrics"] for row in evaluations},
        {row["step"]: row["per_class"] for row in evaluations},
        sum(row["seconds"] for row in evaluations),
        time.perf_counter() - began,
    )


def _class(learnt: Learnt, step: int) -> float:
    return learnt.per_class[step].get(ONLY_RELIEF, {}).get("mask_ap50", 0.0)


def _loop(table: Table, cards: Folder, work: Path, threads: int) -> None:
    """Time pairs of steps, ours and bare, on the same batches; the order changes from pair to pair."""
    spec = spec_of(cards, RELIEF, 100_000)
    with devices.threads(threads):
        ours, bare = _parts(spec, cards, work / "ours"), _parts(spec, cards, work / "bare")
        loop = Loop(ours)
        taken = {"ours": 0.0, "bare": 0.0}
        for step in range(_WARM_UP + _PAIRS):
            for name in ("ours", "bare") if step % 2 else ("bare", "ours"):
                began = time.perf_counter()
                if name == "ours":
                    _our_step(loop)
                else:
                    bare_step(bare, step)
                if step >= _WARM_UP:
                    taken[name] += time.perf_counter() - began
        loop._batches.close()
    table.add("our step, seconds", taken["ours"] / _PAIRS, "s")
    table.add(
        "our loop against a bare loop",
        taken["ours"] / taken["bare"],
        "x",
        "<= 1.03",
        "same model, data, threads",
    )


def _parts(spec: RunSpec, cards: Folder, run_dir: Path) -> Parts:
    log = EventLog(run_dir, 1)
    calls = Calls(lambda: None, lambda _: None, lambda *_: None)
    return _prepare(spec, cards.manifest, cards.path_of, run_dir, log, calls)


def _our_step(loop: Loop) -> None:
    loop._step()
    loop._teller.tell(loop.p.progress.horizon)


def bare_step(parts: Parts, step: int) -> None:
    """The least a step can be: batch, losses, gradients, clipping, update."""
    batch = parts.data.batch(step)
    losses: dict[str, Tensor] = parts.model(batch.images, batch.targets)
    total = torch.stack(list(losses.values())).sum()
    parts.optimiser.zero_grad(set_to_none=True)
    total.backward()  # type: ignore[no-untyped-call]
    nn.utils.clip_grad_norm_(parts.model.parameters(), 5.0)
    parts.optimiser.step()


def _judges(table: Table, cards: Folder, work: Path) -> None:
    """faster-coco-eval against pycocotools on what a barely trained network says."""
    parts = _parts(spec_of(cards, RELIEF, 100), cards, work / "judges")
    for step in range(40):
        bare_step(parts, step)
    indices = list(range(len(parts.data.val)))
    outputs = outputs_of(parts.model, parts.data, indices, parts.place)
    targets = {index: parts.data.target(parts.data.val[index]) for index in indices}
    names = parts.data.schema.class_names
    began = time.perf_counter()
    ap, ap50, _ = coco_precision(names, outputs, targets, "segm")
    fast = time.perf_counter() - began
    truth, found = coco_data(names, outputs, targets)
    with contextlib.redirect_stdout(io.StringIO()):
        began = time.perf_counter()
        gt = COCO()
        gt.dataset = truth
        gt.createIndex()
        judge = COCOeval(gt, gt.loadRes(found), "segm")
        judge.evaluate()
        judge.accumulate()
        judge.summarize()
        slow = time.perf_counter() - began
    worst = max(abs(ap - judge.stats[0]), abs(ap50 - judge.stats[1]))
    table.add("largest difference from pycocotools", float(worst), "", "< 1e-5", "mask AP and AP50")
    table.add("pycocotools' time against ours", slow / max(fast, 1e-9), "x")
