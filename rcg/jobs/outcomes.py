"""From a runner's outcome to the job's row, in one transaction with what the result brings along."""

from __future__ import annotations

import itertools
import logging
import threading
from typing import Any

from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from rcg.jobs import chain, rows
from rcg.jobs.faults import describe
from rcg.jobs.handler import Accept, Handler
from rcg.jobs.joblog import JobLog
from rcg.jobs.loading import load
from rcg.jobs.model import Limits
from rcg.jobs.runner import Control, Crashed, Done, Failed, Outcome, Stopped
from rcg.store.db import Database
from rcg.store.models import Job

logger = logging.getLogger("rcg.jobs")
_TRIES_BEFORE_FAILED = 5


class _NotAcceptedError(Exception):
    """The handler's ``accept`` refused the result; the cause says why."""


class Settling:
    """Writes the end of one attempt.

    Args:
        db: the database.
        limits: how many crashes are too many.
        log: the job's own log; a crash's last words go there too.
        giving_up: set when the server ends; a row that cannot be written then is found at the next start.
        submit: how an ``accept`` asks for a further job, see :mod:`rcg.jobs.chain`.
    """

    def __init__(
        self,
        db: Database,
        limits: Limits,
        log: JobLog,
        giving_up: threading.Event,
        submit: chain.Submit | None = None,
    ) -> None:
        self._submit = submit
        self._db = db
        self._limits = limits
        self._log = log
        self._giving_up = giving_up

    def settle(self, job: Job, handler: Handler | None, outcome: Outcome, control: Control) -> Job | None:
        """Write it, however long that takes. None: the attempt no longer counts, nothing was changed."""
        accept: Accept | None = None
        if isinstance(outcome, Done) and handler is not None and handler.accept is not None:
            try:
                accept = load(handler.accept)  # before the transaction: an import can take a second
            except Exception as error:  # noqa: BLE001 - a handler that cannot be imported is the job's failure
                outcome = Failed(describe(error))
        for tries in itertools.count(1):
            try:
                with self._db.write() as session:
                    return self._apply(session, job, accept, outcome, control)
            except _NotAcceptedError as refusal:
                outcome = Failed(describe(refusal.__cause__ or refusal))
            except OperationalError as error:  # locked for long, or the disk is full
                logger.warning("the end of job %s cannot be written yet: %s", job.id, error.orig)
                if tries == _TRIES_BEFORE_FAILED and isinstance(outcome, Done):
                    outcome = Failed(describe(error))
                if self._giving_up.wait(min(2.0, 0.1 * 2**tries)):
                    return None
        return None

    def _apply(
        self, session: Session, job: Job, accept: Accept | None, outcome: Outcome, control: Control
    ) -> Job | None:
        match outcome:
            case Done(result):
                return self._accept(session, job, accept, result)
            case Failed(error):
                return rows.failed(session, job.id, job.attempt, error)
            case Crashed(error):
                self._log.add(f"{error['detail']}\n{error['data']['stderr']}", "error", job.attempt)
                return rows.crashed(session, job.id, job.attempt, error, self._limits)
            case Stopped() if control.why == "stop":
                return rows.released(session, job.id, job.attempt)
            case Stopped():
                return rows.cancelled(session, job.id, job.attempt)

    def _accept(
        self, session: Session, job: Job, accept: Accept | None, result: dict[str, Any]
    ) -> Job | None:
        row = rows.done(session, job.id, job.attempt)
        if row is None:
            logger.warning("job %s: the result of attempt %d comes too late", job.id, job.attempt)
            return None
        if accept is not None:
            chain.offer(session, self._submit)
            try:
                result = accept(session, row, result)
                session.flush()
            except OperationalError:
                raise
            except Exception as error:
                raise _NotAcceptedError from error
        row.result = result
        return row
