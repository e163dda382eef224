"""What the jobs of the tests do. Imports little, because children import it.

``accept`` adds a row to ``cards`` per result taken in: counting those per job finds doubled effects.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import time
from pathlib import Path

from rcg.errors import InputError


def add(ctx, spec):
    """Works for a while, saying how far it is, and adds two numbers."""
    steps = spec.get("steps", 2)
    for step in range(steps):
        ctx.progress(step / steps, f"step {step}")
        time.sleep(spec.get("pause_s", 0))
    ctx.log(f"{spec['a']} and {spec['b']}")
    ctx.event("metric", {"pid": os.getpid()})
    (ctx.scratch / "note").write_text("x")
    return {"sum": spec["a"] + spec["b"], "pid": os.getpid(), "threads": ctx.threads}


def fail(ctx, spec):
    raise InputError("There is no card in frame 3.", "Take it again.", frame=3)


def break_down(ctx, spec):
    return 1 / spec["zero"]


def unprintable(ctx, spec):
    return {"value": object()}


def full_disk(ctx, spec):
    raise OSError(28, "No space left on device")


def obedient(ctx, spec):
    Path(spec["started"]).touch()
    while True:
        ctx.progress(0.5, "waiting to be cancelled")
        time.sleep(0.02)


def hung(ctx, spec):
    """Ignores every request, and SIGTERM as well."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    Path(spec["started"]).touch()
    end = time.monotonic() + 60
    while time.monotonic() < end:
        if spec.get("talks"):
            ctx.log("still here")
        time.sleep(0.1)
    return {}


def crash(ctx, spec):
    """Dies by a segmentation fault, on its first ``times`` attempts."""
    count = Path(spec["counter"])
    tries = int(count.read_text()) + 1 if count.exists() else 1
    count.write_text(str(tries))
    if tries > spec.get("times", 99):
        return {"tries": tries}
    print("last words of a poison job", flush=True)
    return ctypes.string_at(0)


def slow_once(ctx, spec):
    """Waits for a file before it ends, and leaves its process number."""
    folder = Path(spec["folder"])
    (folder / f"{ctx.job_id}.{ctx.attempt}").write_text(str(os.getpid()))
    while not (folder / "go").exists():
        ctx.progress(0.5, "waiting")
        time.sleep(0.02)
    return {}


def accept(session, job, result):
    from rcg.store.models import Card

    session.add(Card(name=job.id))
    return {**result, "accepted": job.attempt}


def refuse(session, job, result):
    from rcg.store.models import Card

    session.add(Card(name=job.id))
    session.flush()
    raise InputError("The result does not fit.", "Try another card.")


def stubborn(ctx, spec):
    """Looks at nothing but a file: an attempt that does not notice that it no longer counts."""
    folder = Path(spec["folder"])
    (folder / f"{ctx.job_id}.{ctx.attempt}").write_text(str(os.getpid()))
    while not (folder / "go").exists():
        time.sleep(0.02)
    return {}


def family(ctx, spec):
    """Starts a process of its own, and dies."""
    process = subprocess.Popen(["sleep", "60"])
    Path(spec["pid"]).write_text(str(process.pid))
    os.kill(os.getpid(), signal.SIGKILL)
