import json
import math

import numpy as np
import pytest
import torch
from small_set import make, spec_of

from rcg.datasets.manifest import Manifest
from rcg.datasets.sample import LayerArray, Sample
from rcg.errors import CancelledError, ConflictError, InputError
from rcg.training import checkpoints, control
from rcg.training import loop as loop_module
from rcg.training import train as train_module
from rcg.training.data import TrainingData
from rcg.training.evaluate import evaluate, outputs_of
from rcg.training.evaluation import Evaluation
from rcg.training.events import KINDS, read
from rcg.training.guards import DivergedError, OutOfMemoryError
from rcg.training.loop import Loop
from rcg.training.mask_figures import of_masks
from rcg.training.predict import load
from rcg.training.train import only_one, train


def go(folder, run_dir, spec=None, **calls):
    return train(spec or spec_of(folder), folder.manifest, folder.path_of, run_dir, threads=1, **calls)


def of(run_dir, kind):
    return [row for row in read(run_dir) if row["kind"] == kind]


def last_state(run_dir):
    return checkpoints.load(checkpoints.newest(run_dir).path)


def same_weights(a, b):
    first, second = last_state(a), last_state(b)
    return all(torch.equal(first["model"][name], second["model"][name]) for name in first["model"]) and str(
        first["optimiser"]
    ) == str(second["optimiser"])


class StopAt:
    """Raises like a job that is cancelled, when so many steps were done."""

    def __init__(self, run_dir, step):
        self.calls, self.step = 0, step

    def __call__(self):
        self.calls += 1
        if self.calls > self.step:
            raise CancelledError("Cancelled.")


@pytest.fixture(scope="module")
def whole(flaws, tmp_path_factory):
    """A run that nothing disturbed."""
    run_dir = tmp_path_factory.mktemp("whole") / "run"
    told = []
    result = go(flaws, run_dir, on_event=told.append)
    return run_dir, result, told


def test_a_run_leaves_a_history_checkpoints_samples_and_a_model(whole):
    run_dir, result, told = whole
    assert (result.state, result.stopped_by, result.step, result.steps) == ("done", "steps", 8, 8)
    assert list(read(run_dir)) == told
    assert {row["kind"] for row in told} <= set(KINDS)
    assert told[0]["kind"] == "start"
    assert told[0]["items"] == {"train": 12, "val": 4}
    assert (told[-1]["kind"], told[-1]["state"]) == ("state", "done")
    assert [row["step"] for row in of(run_dir, "eval")] == [4, 8]
    steps = of(run_dir, "step")
    assert steps[-1]["step"] == 8
    assert steps[-1]["loss"] == pytest.approx(sum(steps[-1]["losses"].values()), rel=1e-4)
    assert {"lr", "grad_norm", "data_s", "step_s", "images_per_s", "epoch"} <= set(steps[-1])
    evaluated = of(run_dir, "eval")[-1]
    assert {"mask_ap50", "mask_ap", "box_ap50", "box_ap", "recall_1fa"} == set(evaluated["metrics"])
    assert set(evaluated["per_class"]) == {"stain", "dent"}
    for row in of(run_dir, "checkpoint"):
        assert len(row["sha256"]) == 64
    assert {path.name for path in (run_dir / "model").iterdir()} == {"weights.safetensors", "model.json"}


def test_samples_show_truth_and_prediction_on_a_picture(whole, flaws):
    run_dir, _, _ = whole
    rows = [row for row in of(run_dir, "sample") if row["step"] == 8]
    assert [row["index"] for row in rows] == [0, 1, 2, 3]
    items = {item.id: item for item in Manifest(flaws.manifest)}
    for row in rows:
        folder = run_dir / "samples" / "step-000008"
        assert (folder / row["file"]).read_bytes()[8:12] == b"WEBP"
        kept = json.loads((folder / f"{row['index']}.json").read_text())
        assert kept == {key: row[key] for key in kept}
        assert [one["label"] for one in row["truth"]] == [a.label for a in items[row["item"]].annotations]
        assert (row["width"], row["height"]) == (64, 96)


def test_the_model_says_what_the_network_of_the_run_said(whole, flaws):
    run_dir, result, _ = whole
    predictor = load(run_dir / "model", device="cpu")
    assert predictor.config.metrics == result.metrics
    assert predictor.config.layers == ("colour", "normal")
    spec = spec_of(flaws)
    data = TrainingData(spec, Manifest(flaws.manifest), flaws.path_of)
    best = [row for row in of(run_dir, "sample") if row["step"] == result.best_step]
    for row in best:
        index = next(at for at, record in enumerate(data.val.records) if record.id == row["item"])
        said = predictor.predict(data.val[index])
        assert [one.label for one in said] == [one["label"] for one in row["predicted"]]
        np.testing.assert_allclose([a.score for a in said], [a["score"] for a in row["predicted"]], atol=1e-5)


def test_the_same_spec_gives_the_same_bits(whole, flaws, tmp_path):
    run_dir, result, _ = whole
    again = go(flaws, tmp_path / "run")
    assert again.metrics == result.metrics
    assert same_weights(run_dir, tmp_path / "run")


@pytest.mark.parametrize("looks", [2, 5, 9, 14])
def test_a_cancelled_run_goes_on_bit_for_bit(whole, flaws, tmp_path, looks):
    run_dir, result, _ = whole
    mine = tmp_path / "run"
    with pytest.raises(CancelledError):
        go(flaws, mine, should_stop=StopAt(mine, looks))
    again = go(flaws, mine)
    assert again.attempt == 2
    assert again.metrics == result.metrics
    assert same_weights(run_dir, mine)
    assert [row["step"] for row in of(mine, "eval")] == [4, 8]


def test_a_run_goes_on_from_an_older_checkpoint_when_the_newest_is_damaged(whole, flaws, tmp_path):
    run_dir, _, _ = whole
    mine = tmp_path / "run"
    with pytest.raises(CancelledError):
        go(flaws, mine, should_stop=StopAt(mine, 7))
    checkpoints.newest(mine).path.write_bytes(b"damaged")
    assert go(flaws, mine).step == 8
    assert same_weights(run_dir, mine)


def test_pause_and_resume(whole, flaws, tmp_path):
    run_dir, _, _ = whole
    mine = tmp_path / "run"

    def pause_at_five(row):
        if row["kind"] == "checkpoint" and row["step"] == 3:
            control.write(mine, control.Request("pause", "a"))

    paused = go(flaws, mine, on_event=pause_at_five)
    assert (paused.state, paused.stopped_by, paused.model_dir) == ("paused", "pause", None)
    assert 3 <= paused.step < 8
    assert go(flaws, mine).step == paused.step, "it was not asked to go on"
    control.write(mine, control.Request())
    done = go(flaws, mine)
    assert (done.state, done.step) == ("done", 8)
    assert same_weights(run_dir, mine)


def test_stop_ends_with_a_model(flaws, tmp_path):
    mine = tmp_path / "run"

    def stop(row):
        if row["kind"] == "eval":
            control.write(mine, control.Request("stop", "a"))

    done = go(flaws, mine, on_event=stop)
    assert (done.state, done.stopped_by) == ("done", "stop")
    assert done.step <= 5, "one step more at most"
    assert load(mine / "model", device="cpu").config.lineage.step == 4


def test_evaluate_now(flaws, tmp_path):
    mine = tmp_path / "run"
    control.write(mine, control.Request("evaluate", "a"))
    assert go(flaws, mine).state == "done"
    assert [row["step"] for row in of(mine, "eval")] == [0, 4, 8]


def test_a_run_that_was_done_is_published_again_not_trained_on(whole, flaws):
    run_dir, result, _ = whole
    before = last_state(run_dir)["model"]
    again = go(flaws, run_dir)
    assert (again.step, again.stopped_by, again.metrics) == (8, "steps", result.metrics)
    after = last_state(run_dir)["model"]
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_an_extension_goes_on_and_is_kept_over_a_kill(flaws, tmp_path):
    mine = tmp_path / "run"
    assert go(flaws, mine, spec_of(flaws, stop__target="mask_ap50>=0")).stopped_by == "target"
    spec = spec_of(flaws, stop__target="mask_ap50>=0")
    control.write(mine, control.Request(None, "b", 10))
    with pytest.raises(CancelledError):
        go(flaws, mine, spec, should_stop=StopAt(mine, 3))
    done = go(flaws, mine, spec)
    assert (done.step, done.steps, done.stopped_by) == (10, 10, "steps")
    assert {row["steps"] for row in of(mine, "extend")} == {10}


@pytest.mark.parametrize(
    ("options", "reason", "step"),
    [
        ({"stop__target": "mask_ap50>=0"}, "target", 4),
        ({"stop__target": "mask_ap50>=1.1"}, "steps", 8),
        ({"stop__max_epochs": 0.5}, "epochs", 3),
        ({"stop__max_seconds": 1}, "time", None),
    ],
)
def test_what_ends_a_run(flaws, tmp_path, monkeypatch, options, reason, step):
    if reason == "time":
        monkeypatch.setattr("rcg.training.loop.time.perf_counter", iter(map(float, range(10_000))).__next__)
    done = go(flaws, tmp_path / "run", spec_of(flaws, **options))
    assert done.stopped_by == reason
    assert step is None or done.step == step
    assert done.model_dir


def test_patience_counts_evaluations_without_a_better_one(flaws, tmp_path, monkeypatch):
    figures = iter([0.5, 0.4, 0.6, 0.6, 0.5, 0.9])
    monkeypatch.setattr(
        "rcg.training.loop.evaluate",
        lambda *args, **more: Evaluation({"mask_ap50": next(figures)}, {}, {}),
    )
    done = go(flaws, tmp_path / "run", spec_of(flaws, eval_every=1, stop__patience=2))
    assert (done.stopped_by, done.step, done.best, done.best_step) == ("patience", 5, 0.6, 3)
    assert done.metrics == {"mask_ap50": 0.6}
    assert checkpoints.best(tmp_path / "run").step == 3
    best = checkpoints.load(checkpoints.best(tmp_path / "run").path)["model"]
    from safetensors.torch import load_file

    published = load_file(tmp_path / "run" / "model" / "weights.safetensors")
    assert all(torch.equal(best[name], published[name]) for name in best)


def test_evaluations_keep_to_their_share_of_the_time_but_the_last_takes_place(flaws, tmp_path, monkeypatch):
    clock = iter(map(float, range(100_000)))
    monkeypatch.setattr("rcg.training.loop.time.perf_counter", clock.__next__)

    def slow(*args, **more):
        for _ in range(30):
            next(clock)
        return Evaluation({"mask_ap50": 0.5}, {}, {})

    monkeypatch.setattr("rcg.training.loop.evaluate", slow)
    go(flaws, tmp_path / "run", spec_of(flaws, eval_every=1, eval_share=0.5, steps=12))
    assert of(tmp_path / "run", "eval")[0]["step"] == 1
    assert of(tmp_path / "run", "eval")[-1]["step"] == 12
    assert len(of(tmp_path / "run", "eval")) < 8


def test_the_best_is_judged_on_all_held_out_items_and_not_twice(flaws, tmp_path, monkeypatch):
    again = []
    real = train_module.evaluate
    monkeypatch.setattr(train_module, "evaluate", lambda *args: again.append(list(args[2])) or real(*args))
    said = []
    spec = spec_of(flaws, eval_items=1, eval_every=4)
    go(flaws, tmp_path / "last", spec, on_progress=lambda *all_of: said.append(all_of[2]))
    rows = of(tmp_path / "last", "eval")
    every = rows[-1]["items"]
    assert [row["items"] for row in rows] == [1, every]
    assert every > 1
    best = [row for row in rows if row["best"]][-1]
    assert again == ([] if best["items"] == every else [list(range(every))])
    figures = iter([0.5, 0.4])
    monkeypatch.setattr(
        "rcg.training.loop.evaluate",
        lambda *args, **more: Evaluation({"mask_ap50": next(figures)}, {}, {}),
    )
    again.clear()
    go(flaws, tmp_path / "first", spec, on_progress=lambda *all_of: said.append(all_of[2]))
    assert again == [list(range(every))], "the best of some is judged on all before it is published"
    assert f"step 8 of 8, evaluating the best step, 4: 0 of {every} held-out items" in said


def test_a_long_evaluation_says_how_far_it_is_and_how_long_it_takes(flaws, tmp_path, monkeypatch):
    monkeypatch.setattr("rcg.training.teller.TELL_EVERY_S", 0)
    monkeypatch.setattr("rcg.training.teller.ETA_EVERY_S", 0)
    said = []
    go(flaws, tmp_path / "run", spec_of(flaws), on_progress=lambda *all_of: said.append(all_of[2]))
    items = of(tmp_path / "run", "eval")[-1]["items"]
    told = [text for text in said if text.startswith("step 8 of 8, evaluating: ")]
    assert told == [f"step 8 of 8, evaluating: {done} of {items} held-out items" for done in range(items)]
    left = [row["seconds_p50"] for row in of(tmp_path / "run", "eta") if row["step"] == 8]
    assert left[0] >= left[-1]


def test_callbacks_are_told(flaws, tmp_path):
    said, progress = [], []
    go(flaws, tmp_path / "run", on_status=said.append, on_progress=lambda *all_of: progress.append(all_of))
    assert said == ["loading", "running", "evaluating", "done"]
    assert progress[-1][:2] == (8, 8)
    assert [at for at, *_ in progress] == sorted(at for at, *_ in progress)


def test_two_trainings_of_one_run_are_refused(flaws, tmp_path):
    with only_one(tmp_path / "run"), pytest.raises(ConflictError, match="being trained already"):
        go(flaws, tmp_path / "run")
    assert go(flaws, tmp_path / "run").state == "done"


def test_a_run_of_another_spec_is_refused(whole, flaws):
    run_dir, _, _ = whole
    with pytest.raises(ConflictError, match="another spec"):
        go(flaws, run_dir, spec_of(flaws, seed=9))


# --- what goes wrong ----------------------------------------------------------------------------


def spoil_losses(monkeypatch, bad):
    """Makes the loss no number at the calls that ``bad`` names."""
    real, calls = Loop._pieces, iter(range(10_000))

    def pieces(self, batch):
        losses = real(self, batch)
        return losses | {"loss_mask": math.nan} if next(calls) in bad else losses

    monkeypatch.setattr(Loop, "_pieces", pieces)


def test_a_step_without_a_number_is_left_out(flaws, tmp_path, monkeypatch):
    spoil_losses(monkeypatch, {4})
    assert go(flaws, tmp_path / "run").step == 8
    (said,) = of(tmp_path / "run", "warning")
    assert said["code"] == "nan"
    assert "step 5" in said["text"]
    assert last_state(tmp_path / "run")["progress"]["skipped"] == 1


def test_three_in_a_row_go_back_with_half_the_rate(flaws, tmp_path, monkeypatch):
    spoil_losses(monkeypatch, {4, 5, 6})
    assert go(flaws, tmp_path / "run").step == 8
    # The checkpoint of step 6 holds the weights of step 4: the two steps between were left out.
    assert "back to the weights of step 6" in of(tmp_path / "run", "warning")[-1]["text"]
    assert last_state(tmp_path / "run")["progress"]["lr_scale"] == 0.5
    rates = {row["step"]: row["lr"] for row in of(tmp_path / "run", "step")}
    assert rates[8] < 0.6 * rates.get(4, rates[min(rates)])


def test_a_run_that_does_not_come_back_ends_with_a_sentence(flaws, tmp_path, monkeypatch):
    spoil_losses(monkeypatch, set(range(2, 10_000)))
    with pytest.raises(DivergedError, match="no number") as caught:
        go(flaws, tmp_path / "run", spec_of(flaws, steps=40))
    assert "lower learning rate" in caught.value.hint
    state = of(tmp_path / "run", "state")[-1]
    assert (state["state"], "no number" in state["reason"]) == ("failed", True)


def test_when_memory_ends_fewer_items_go_through_at_once_and_it_is_said(flaws, tmp_path, monkeypatch):
    real = Loop._pieces

    def pieces(self, batch):
        if self.p.progress.micro > 1:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return real(self, batch)

    monkeypatch.setattr(Loop, "_pieces", pieces)
    assert go(flaws, tmp_path / "run", spec_of(flaws, batch_size=4, steps=2)).step == 2
    assert [row["text"][:28] for row in of(tmp_path / "run", "warning")] == [
        "Memory ran out: 2 items go t",
        "Memory ran out: 1 items go t",
    ]


@pytest.mark.parametrize(
    "error",
    [MemoryError(), RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried")],
)
def test_when_one_item_does_not_fit_the_run_ends_with_a_sentence(flaws, tmp_path, monkeypatch, error):
    def pieces(self, batch):
        raise error

    monkeypatch.setattr(Loop, "_pieces", pieces)
    with pytest.raises(OutOfMemoryError, match="64 x 96 px") as caught:
        go(flaws, tmp_path / "run")
    assert "smaller" in caught.value.hint


def test_other_errors_are_not_taken_for_memory(flaws, tmp_path, monkeypatch):
    def pieces(self, batch):
        raise RuntimeError("shapes do not match")

    monkeypatch.setattr(Loop, "_pieces", pieces)
    with pytest.raises(RuntimeError, match="shapes"):
        go(flaws, tmp_path / "run")
    assert of(tmp_path / "run", "state")[-1]["state"] == "failed"


def test_gradients_of_pieces_add_up_to_those_of_the_batch(corners, tmp_path):
    """Points have no sampling, so that the batch in pieces must move the weights like the batch in one."""
    moved = []
    for micro in (4, 1):
        # Plain descent: Adam's first step only looks at the sign, and a gradient of nothing has either.
        plain = {"optimiser__name": "sgd", "optimiser__lr": 0.01, "optimiser__momentum": 0.0}
        parts = prepared(corners, tmp_path / str(micro), batch_size=4, **plain)
        parts.progress.micro = micro
        loop = Loop(parts)
        loop._step()
        moved.append(parts.model.state_dict())
    assert all(torch.allclose(moved[0][name], moved[1][name], atol=2e-4) for name in moved[0])


def prepared(folder, run_dir, **options):
    log = train_module.EventLog(run_dir, 1)
    calls = train_module.Calls(lambda: None, lambda _: None, lambda *_: None)
    return train_module._prepare(
        spec_of(folder, **options), folder.manifest, folder.path_of, run_dir, log, calls
    )


def test_without_held_out_items_the_last_weights_are_the_model(tmp_path):
    folder = make(tmp_path / "set", 4, 0)
    done = go(folder, tmp_path / "run", spec_of(folder, steps=2))
    assert (done.best, done.metrics, done.state) == (None, {}, "done")
    assert of(tmp_path / "run", "warning")[0]["code"] == "no_held_out"
    assert load(tmp_path / "run" / "model", device="cpu")


def test_a_layer_without_numbers_fails_the_run_with_the_items_name(tmp_path):
    def spoil(sample, index):
        array = sample.layers["normal"].array.copy()
        array[:4, :4] = np.nan
        return Sample(
            sample.layers | {"normal": LayerArray("normal", array)}, sample.annotations, key=sample.key
        )

    folder = make(tmp_path / "set", 3, 1, change=spoil)
    with pytest.raises(InputError, match="no numbers"):
        go(folder, tmp_path / "run")
    assert of(tmp_path / "run", "state")[-1]["state"] == "failed"


def test_items_without_relief_train_beside_those_with_it(tmp_path):
    def plain(sample, index):
        layers = {"colour": sample.layers["colour"]} if index % 2 else sample.layers
        return Sample(layers, sample.annotations, key=sample.key)

    folder = make(tmp_path / "set", 6, 2, change=plain)
    assert go(folder, tmp_path / "run", spec_of(folder, "photometric_fusion", steps=2)).state == "done"


def test_points_are_trained_judged_and_predicted(corners, tmp_path):
    done = go(corners, tmp_path / "run", spec_of(corners, steps=4, eval_every=4))
    assert {"error_px", "pck", "error_mm", "pck_01mm"} == set(done.metrics)
    assert set(done.per_class) == {"top_left", "top_right", "bottom_right", "bottom_left"}
    item = next(iter(Manifest(corners.manifest)))
    from rcg.datasets.pixels import read_sample

    (said,) = load(tmp_path / "run" / "model", device="cpu").predict(read_sample(item, corners.path_of))
    assert said.shape.type == "points"
    assert all(0 <= point.x <= 64 and 0 <= point.y <= 96 for point in said.shape.points)


def test_it_begins_with_the_weights_of_a_file(flaws, tmp_path, whole):
    run_dir, _, _ = whole
    path = run_dir / "model" / "weights.safetensors"
    folder = make(tmp_path / "set", 3, 1)
    sha256 = "ab" * 32
    folder.path_of(sha256).write_bytes(path.read_bytes())
    spec = spec_of(
        folder, weights={"sha256": sha256, "name": "first"}, steps=1, optimiser__lr=1e-9, model__norm="group"
    )
    go(folder, tmp_path / "run", spec)
    assert "Began with first" in of(tmp_path / "run", "log")[0]["text"]
    from safetensors.torch import load_file

    before, after = load_file(path), last_state(tmp_path / "run")["model"]
    assert all(torch.allclose(before[name], after[name], atol=1e-4) for name in before)


def test_it_learns_what_is_to_be_seen_and_not_what_is_not(tmp_path):
    """Stains show in colour, dents in the normals alone; given colour alone no dent is found."""
    folder = make(tmp_path / "set", 24, 8)
    options = {"steps": 90, "batch_size": 4, "eval_every": 90, "schedule__warmup": 10, "optimiser__lr": 4e-3}
    both = go(folder, tmp_path / "both", spec_of(folder, **options))
    colour = go(folder, tmp_path / "colour", spec_of(folder, channels=["colour"], **options))
    assert both.per_class["dent"]["mask_ap50"] > 0.5
    assert both.per_class["stain"]["mask_ap50"] > 0.5
    assert colour.per_class["stain"]["mask_ap50"] > 0.5
    assert colour.per_class["dent"]["mask_ap50"] < 0.1


def test_an_evaluation_keeps_the_masks_of_samples_only(flaws, tmp_path, monkeypatch):
    found = []
    real = loop_module.evaluate

    def noted(*args, **more):
        found.append((args, more, real(*args, **more)))
        return found[-1][2]

    monkeypatch.setattr(loop_module, "evaluate", noted)
    go(flaws, tmp_path / "run", spec_of(flaws))
    (model, data, indices, place, _), more, kept = found[-1]
    assert set(kept.outputs) == set(more["keep"])
    few = evaluate(model, data, indices, place, keep={1})
    assert set(few.outputs) == {1}
    every = outputs_of(model, data, indices, place)
    targets = {index: data.target(data.val[index]) for index in indices}
    whole = of_masks(data.schema.class_names, every, targets)
    assert (few.metrics, few.per_class, few.interval) == (whole.metrics, whole.per_class, whole.interval)
