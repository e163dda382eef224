from __future__ import annotations

import pytest

from rcg.jobs import model
from rcg.jobs.model import Limits, Ticket

LIMITS = Limits(crashes=3, losses=2, rest_ms=100)
RUNNING = Ticket("running", attempt=4, worker="w", due_at=5)


def test_a_claim_raises_the_attempt_and_names_the_worker():
    assert model.claim(Ticket("queued", attempt=3, due_at=10), "w", 10) == Ticket(
        "running", attempt=4, worker="w", due_at=10
    )


def test_a_job_is_not_claimed_before_it_is_due():
    assert model.claim(Ticket("queued", due_at=11), "w", 10) is None


@pytest.mark.parametrize("state", [state for state in model.STATES if state != "queued"])
def test_only_a_queued_job_is_claimed(state):
    assert model.claim(Ticket(state), "w", 10) is None


@pytest.mark.parametrize(
    "occurrence",
    [
        lambda ticket, attempt: model.end(ticket, attempt, "done"),
        lambda ticket, attempt: model.crash(ticket, attempt, 0, LIMITS),
        lambda ticket, attempt: model.lose(ticket, attempt, 0, LIMITS),
        lambda ticket, attempt: model.release(ticket, attempt, 0),
    ],
)
def test_an_older_attempt_and_an_ended_job_are_refused(occurrence):
    assert occurrence(RUNNING, 4) is not None
    assert occurrence(RUNNING, 3) is None
    for state in model.ENDED | {"queued"}:
        assert occurrence(Ticket(state, attempt=4), 4) is None


def test_three_crashes_are_death_and_rests_grow():
    first = model.crash(RUNNING, 4, 1_000, LIMITS)
    assert (first.state, first.crashes, first.due_at) == ("queued", 1, 1_100)
    second = model.crash(model.claim(first, "w", 1_100), 5, 2_000, LIMITS)
    assert (second.state, second.crashes, second.due_at) == ("queued", 2, 2_400)
    third = model.crash(model.claim(second, "w", 9_000), 6, 9_000, LIMITS)
    assert (third.state, third.crashes) == ("dead", 3)


def test_losses_count_apart_from_crashes():
    once = model.lose(RUNNING, 4, 7, LIMITS)
    assert (once.state, once.losses, once.crashes, once.due_at) == ("queued", 1, 0, 7)
    assert model.lose(model.claim(once, "w", 7), 5, 8, LIMITS).state == "dead"


def test_a_release_counts_nothing():
    assert model.release(RUNNING, 4, 7) == Ticket("queued", attempt=4, due_at=7)


def test_a_cancel_ends_a_queued_job_and_marks_a_running_one():
    assert model.cancel(Ticket("queued")).state == "cancelled"
    assert model.cancel(RUNNING).cancel_requested
    assert all(model.cancel(Ticket(state)) is None for state in model.ENDED)


@pytest.mark.parametrize(
    "occurrence",
    [
        lambda ticket: model.crash(ticket, 4, 0, LIMITS),
        lambda ticket: model.lose(ticket, 4, 0, LIMITS),
        lambda ticket: model.release(ticket, 4, 0),
    ],
)
def test_a_job_whose_cancel_was_asked_for_is_not_run_again(occurrence):
    assert occurrence(model.cancel(RUNNING)).state == "cancelled"


def test_a_retry_starts_the_counts_anew_but_not_the_attempt():
    dead = Ticket("dead", attempt=3, crashes=3, losses=1)
    assert model.retry(dead, 50) == Ticket("queued", attempt=3, due_at=50)
    assert all(model.retry(Ticket(state), 0) is None for state in ("queued", "running", "done"))
