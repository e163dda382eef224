"""What may happen to a job, as pure functions: a ticket and an occurrence give the next ticket, or None.

``None`` means refused: the occurrence does not fit the ticket's state, or belongs to an older attempt.
:mod:`rcg.jobs.rows` applies these to rows by compare-and-set; nothing else changes a job's state.

    queued -> running -> done | failed | cancelled | dead
    running -> queued          after a crash, a loss, or a server that stops
    queued -> cancelled
    failed | dead | cancelled -> queued      by a person
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

QUEUED: Final = "queued"
RUNNING: Final = "running"
DONE: Final = "done"
FAILED: Final = "failed"
CANCELLED: Final = "cancelled"
DEAD: Final = "dead"
STATES: Final = (QUEUED, RUNNING, DONE, FAILED, CANCELLED, DEAD)
ENDED: Final = frozenset({DONE, FAILED, CANCELLED, DEAD})
RETRIABLE: Final = frozenset({FAILED, CANCELLED, DEAD})


@dataclass(frozen=True)
class Limits:
    """How often a job may go wrong, and how long it rests in between.

    Attributes:
        crashes: deaths of its own process after which it is dead.
        losses: servers that vanished under it after which it is dead.
        rest_ms: the first rest after a crash; each further one is four times as long.
    """

    crashes: int = 3
    losses: int = 20
    rest_ms: int = 1_000


@dataclass(frozen=True)
class Ticket:
    """The part of a job's row that decides what may happen next. Times are milliseconds since 1970."""

    state: str
    attempt: int = 0
    crashes: int = 0
    losses: int = 0
    due_at: int = 0
    worker: str | None = None
    cancel_requested: bool = False


def claim(ticket: Ticket, worker: str, now: int) -> Ticket | None:
    """A slot takes the job: the attempt rises, and with it every older attempt is fenced off."""
    if ticket.state != QUEUED or ticket.due_at > now:
        return None
    return replace(ticket, state=RUNNING, attempt=ticket.attempt + 1, worker=worker, cancel_requested=False)


def end(ticket: Ticket, attempt: int, state: str) -> Ticket | None:
    """The running attempt ends as ``done``, ``failed`` or ``cancelled``."""
    return replace(ticket, state=state, worker=None) if _runs(ticket, attempt) else None


def crash(ticket: Ticket, attempt: int, now: int, limits: Limits) -> Ticket | None:
    """The job's own process died. It rests and runs again, until it has done so too often."""
    if not _runs(ticket, attempt):
        return None
    crashes = ticket.crashes + 1
    after = replace(ticket, crashes=crashes, worker=None)
    if ticket.cancel_requested:
        return replace(after, state=CANCELLED)
    if crashes >= limits.crashes:
        return replace(after, state=DEAD)
    return replace(after, state=QUEUED, due_at=now + limits.rest_ms * 4 ** (crashes - 1))


def lose(ticket: Ticket, attempt: int, now: int, limits: Limits) -> Ticket | None:
    """The server that ran the job is gone: no fault of the job, so it is counted apart."""
    if not _runs(ticket, attempt):
        return None
    losses = ticket.losses + 1
    after = replace(ticket, losses=losses, worker=None, due_at=now)
    if ticket.cancel_requested:
        return replace(after, state=CANCELLED)
    return replace(after, state=DEAD if losses >= limits.losses else QUEUED)


def release(ticket: Ticket, attempt: int, now: int) -> Ticket | None:
    """The server stops in good order and gives the job back; nothing is counted."""
    if not _runs(ticket, attempt):
        return None
    state = CANCELLED if ticket.cancel_requested else QUEUED
    return replace(ticket, state=state, worker=None, due_at=now)


def cancel(ticket: Ticket) -> Ticket | None:
    """A person cancels: a queued job at once, a running one when its slot has stopped it."""
    if ticket.state == QUEUED:
        return replace(ticket, state=CANCELLED)
    if ticket.state == RUNNING:
        return replace(ticket, cancel_requested=True)
    return None


def retry(ticket: Ticket, now: int) -> Ticket | None:
    """A person runs an ended job again. The attempt goes on counting, so old results stay refused."""
    if ticket.state not in RETRIABLE:
        return None
    return replace(ticket, state=QUEUED, crashes=0, losses=0, due_at=now, worker=None, cancel_requested=False)


def _runs(ticket: Ticket, attempt: int) -> bool:
    return ticket.state == RUNNING and ticket.attempt == attempt
