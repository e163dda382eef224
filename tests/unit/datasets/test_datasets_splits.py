"""Splits: by card, by a hash, balanced where there are few."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rcg.datasets.splits import assign, balance, place
from rcg.errors import InputError

SHARES = {"train": 0.7, "val": 0.2, "test": 0.1}
CARDS = [f"card {n}" for n in range(20_000)]


def test_shares_are_kept_on_many_cards():
    found = balance(CARDS, 3, SHARES)
    for part, share in SHARES.items():
        count = sum(one == part for one in found.values())
        assert abs(count / len(CARDS) - share) < 0.01


def test_new_cards_move_no_old_one():
    before, after = balance(CARDS[:15_000], 3, SHARES), balance(CARDS, 3, SHARES)
    assert all(after[card] == part for card, part in before.items())


def test_another_seed_is_another_split():
    same = sum(assign(card, 1) == assign(card, 2) for card in CARDS)
    assert 0.6 < same / len(CARDS) < 0.76  # by chance 0.8**2 + 0.2**2


def test_a_card_falls_where_it_always_fell():
    """Known answers: the split of a version that is out must never change."""
    held_out = [n for n in range(12) if assign(f"card-{n}", 0) == "val"]
    assert held_out == [2, 3, 9]


@given(st.lists(st.text(min_size=1), min_size=2, max_size=30, unique=True), st.integers(0, 50))
def test_few_cards_still_have_both_parts(cards, seed):
    found = balance(cards, seed)
    assert set(found) == set(cards)
    assert {"train", "val"} <= set(found.values())


def test_one_card_is_trained_on():
    assert balance(["only"], 5) == {"only": "train"}
    assert balance([]) == {}


def test_what_was_chosen_stays():
    fixed = {"a": "test", "b": "val"}
    found = balance(["a", "b", "c", "d"], 0, SHARES, fixed)
    assert found["a"] == "test"
    assert found["b"] == "val"
    assert "train" in found.values()


def test_no_share_no_card():
    assert set(balance(CARDS[:100], 0, {"train": 1, "val": 0, "test": 0}).values()) == {"train"}
    assert set(balance(CARDS[:100], 0, {"train": 0, "val": 1}).values()) == {"val"}


@pytest.mark.parametrize(
    ("shares", "said"),
    [
        ({"train": 0, "val": 0}, "zero"),
        ({"train": -1, "val": 2}, "share of train"),
        ({"train": float("nan")}, "share of train"),
        ({"training": 1}, "no part 'training'"),
    ],
)
def test_impossible_shares_are_said(shares, said):
    with pytest.raises(InputError, match=said):
        assign("a", 0, shares)


def test_places_are_uniform():
    places = sorted(place(card, 0) for card in CARDS)
    assert max(abs(at - n / len(CARDS)) for n, at in enumerate(places)) < 0.015
