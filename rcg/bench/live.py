"""What a running training does to the server, and how soon its steps are seen (``rcg bench training``).

A step's row holds the time at which the trainer wrote it; it is compared with the time at which a reader of
``/api/events`` has it, which is what a browser's tab is. The page then draws within a quarter of a second.
"""

from __future__ import annotations

import contextlib
import json
import tempfile
import threading
import time
from pathlib import Path

import httpx

from rcg.bench.serve import Say, ask, server
from rcg.bench.table import Table, percentile

CARDS, STEPS = 8, 60
_WAIT_S = 900.0


def bench_live(table: Table, say: Say) -> None:
    """Train on a few rendered cards in a server of its own while ``/health/live`` is asked."""
    with tempfile.TemporaryDirectory(prefix="rcg-bench-") as folder, server(Path(folder)) as (client, _, _):
        dataset = _rendered(client)
        delays: list[float] = []
        over = threading.Event()
        reader = threading.Thread(target=_read, args=(client, delays, over), daemon=True)
        reader.start()
        say(f"A training of {STEPS} steps beside the pages ...")
        run = client.post(
            "/api/training/start",
            json={"dataset": dataset, "set": {"steps": STEPS, "eval_every": STEPS // 2}},
        ).raise_for_status().json()  # fmt: skip
        taken = _asked_while_it_trains(client, run["id"])
        over.set()
    table.add(
        "step to a reader of the event stream, p50", percentile(delays, 50), "ms", "", f"{len(delays)} rows"
    )
    table.add("step to a reader of the event stream, p95", percentile(delays, 95), "ms", "<= 500 ms")
    table.add("/health/live p50, while training", percentile(taken, 50), "ms")
    table.add(
        "/health/live p99, while training", percentile(taken, 99), "ms", "<= 50 ms", f"{len(taken)} requests"
    )


def _rendered(client: httpx.Client) -> str:
    body = {"name": "Bench", "kind": "surface_damage", "cards": CARDS, "seed": 1}
    made = client.post("/api/datasets/render", json=body).raise_for_status().json()
    end = time.monotonic() + _WAIT_S
    while (job := client.get(f"/api/jobs/{made['job']['id']}").json())["state"] in {"queued", "running"}:
        if time.monotonic() > end:
            raise TimeoutError(f"{CARDS} cards were not rendered within {_WAIT_S:.0f} s")
        time.sleep(0.2)
    if job["state"] != "done":
        raise RuntimeError(f"The cards were not rendered: {job['error']}")
    return str(made["dataset"]["id"])


def _read(client: httpx.Client, delays: list[float], over: threading.Event) -> None:
    """Note how old each step's row is when it has come through the event stream, ms."""
    kind = ""
    # the stream ends with the server, whose end may come before the next line
    with (
        contextlib.suppress(httpx.RemoteProtocolError),
        client.stream("GET", "/api/events", timeout=60) as answer,
    ):
        for line in answer.iter_lines():
            if over.is_set():
                return
            if line.startswith("event:"):
                kind = line.partition(":")[2].strip()
            elif line.startswith("data:") and kind == "run":
                row = json.loads(line.partition(":")[2]).get("row") or {}
                if row.get("kind") == "step":
                    delays.append(time.time() * 1000 - row["t"])


def _asked_while_it_trains(client: httpx.Client, run: str) -> list[float]:
    taken: list[float] = []
    end = time.monotonic() + _WAIT_S
    while True:
        now = client.get(f"/api/training/{run}").raise_for_status().json()
        if now["state"] == "running" and now["step"] > 0:
            taken += [ask(client) for _ in range(50)]
        elif now["state"] in {"done", "failed", "cancelled"}:
            break
        else:
            time.sleep(0.2)
        if time.monotonic() > end:
            raise TimeoutError(f"the run is {now['state']} after {_WAIT_S:.0f} s")
    if now["state"] != "done" or not taken:
        raise RuntimeError(f"The training ended as {now['state']}: {now.get('error')}")
    return taken
