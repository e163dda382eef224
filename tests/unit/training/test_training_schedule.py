import math
from itertools import pairwise

import numpy as np
import pytest

from rcg.training.schedule import batch_indices, item_generator, learning_rate
from rcg.training.spec import Schedule

PLAN = Schedule(warmup=10, hold=0.5, final=0.1)


@pytest.mark.parametrize(
    ("step", "rate"),
    [(0, 0.2), (4, 1.0), (9, 2.0), (10, 2.0), (49, 2.0), (74, 2 * (0.1 + 0.9 * 0.5)), (99, 0.2)],
)
def test_the_rate_rises_stays_and_falls_by_half_a_cosine(step, rate):
    assert learning_rate(PLAN, 2.0, step, [(0, 100)]) == pytest.approx(rate)


def test_an_extension_goes_on_from_where_the_rate_was():
    before = learning_rate(PLAN, 1.0, 99, [(0, 100)])
    rates = [learning_rate(PLAN, 1.0, step, [(0, 100), (100, 300)]) for step in range(300)]
    assert rates[:100] == [learning_rate(PLAN, 1.0, step, [(0, 100)]) for step in range(100)]
    assert abs(rates[100] - before) < 0.05
    assert max(rates[100:]) == pytest.approx(0.5)
    assert rates[299] == pytest.approx(0.1)
    assert max(abs(b - a) for a, b in pairwise(rates[99:])) < 0.06


def test_an_extension_during_the_level_part_stays_level():
    rates = [learning_rate(PLAN, 1.0, step, [(0, 100), (40, 300)]) for step in range(40, 160)]
    assert rates == [1.0] * 120


def test_a_run_of_one_step_has_a_rate():
    assert math.isfinite(learning_rate(Schedule(), 1.0, 0, [(0, 1)]))


def test_every_item_comes_once_an_epoch_in_another_order():
    seen = [index for step in range(21) for index in batch_indices(7, 3, 5, step)]
    epochs = [seen[at : at + 7] for at in range(0, 63, 7)]
    assert all(sorted(epoch) == list(range(7)) for epoch in epochs)
    assert len({tuple(epoch) for epoch in epochs}) > 5
    assert [batch_indices(7, 3, 5, step) for step in range(21)] == [
        seen[at : at + 3] for at in range(0, 63, 3)
    ]
    assert seen != [index for step in range(21) for index in batch_indices(7, 3, 6, step)]


def test_draws_belong_to_a_step_and_a_place():
    draws = {(s, p): item_generator(1, s, p).integers(0, 2**40) for s in range(5) for p in range(4)}
    assert len(set(draws.values())) == 20
    assert draws == {(s, p): item_generator(1, s, p).integers(0, 2**40) for s in range(5) for p in range(4)}
    assert isinstance(item_generator(1, 0, 0), np.random.Generator)
