"""A long history with fewer rows."""

import pytest

from rcg.training.thinning import LATEST, thin


def history(steps, losses=None):
    rows = [{"seq": 0, "kind": "start"}]
    for step in range(1, steps + 1):
        loss = (losses or {}).get(step, 1.0)
        for kind, more in (("step", {"step": step, "loss": loss}), ("sys", {}), ("eta", {})):
            rows.append({"seq": len(rows), "kind": kind, **more})
        if step % 100 == 0:
            rows.append({"seq": len(rows), "kind": "eval", "step": step})
    return rows


def of(rows, kind):
    return [row for row in rows if row["kind"] == kind]


def test_a_short_history_keeps_every_step():
    rows = history(50)
    kept = thin(lambda: rows, 60)
    assert of(kept, "step") == of(rows, "step")


def test_a_long_history_keeps_its_peaks_and_valleys():
    rows = history(5000, {1234: 9.5, 4321: 0.01})
    kept = thin(lambda: rows, 200)
    steps = of(kept, "step")
    assert len(steps) <= 201
    assert {1234, 4321} <= {row["step"] for row in steps}
    assert steps[0]["step"] <= 50
    assert steps[-1]["step"] > 4950


def test_rows_stay_as_they_were_and_in_order():
    rows = history(1000)
    kept = thin(lambda: iter(rows), 40)
    assert [row["seq"] for row in kept] == sorted({row["seq"] for row in kept})
    assert all(rows[row["seq"]] is row for row in kept)
    assert of(kept, "eval") == of(rows, "eval")
    assert of(kept, "start") == of(rows, "start")


@pytest.mark.parametrize(("kind", "count"), LATEST.items())
def test_gauges_are_kept_as_far_as_they_are_shown(kind, count):
    rows = history(1000)
    assert of(thin(lambda: rows, 40), kind) == of(rows, kind)[-count:]


def test_nothing_is_nothing():
    assert thin(list, 100) == []
