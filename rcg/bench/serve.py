"""``rcg bench serve``: start times, the latency of ``/health/live`` idle and under load, and the queue.

The latency stands beside that of a bare Starlette application with the same certificate, in the same run.
"""

from __future__ import annotations

import json
import os
import socket
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from rcg.bench.queue import bench_queue
from rcg.bench.table import Table, percentile

IDLE_REQUESTS = 400
LOAD_S = 12.0
_PAUSE_S = 0.02
_START_S = 60.0
_BARE = """
import sys, uvicorn
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route
async def live(request): return JSONResponse({"status": "live"})
uvicorn.run(Starlette(routes=[Route("/health/live", live)]), host="127.0.0.1", port=int(sys.argv[1]),
            ssl_certfile=sys.argv[2], ssl_keyfile=sys.argv[3], log_level="error")
"""
Say = Callable[[str], None]


def bench_serve(say: Say = lambda _: None) -> Table:
    """Start a server on an empty data folder, three times, and measure it; then a bare one beside it."""
    table = Table("rcg bench serve")
    with tempfile.TemporaryDirectory(prefix="rcg-bench-") as folder:
        home = Path(folder)
        starts = []
        for _ in range(2):
            say("Starting a server ...")
            with server(home) as (_client, live, ready):
                starts.append((live, ready))
        table.add("start to /health/live, first start", starts[0][0], "s", "", "makes the certificates")
        table.add("start to /health/live, later", starts[1][0], "s", "<= 2 s")
        table.add("start to /health/ready, first start", starts[0][1], "s", "")
        table.add("start to /health/ready, later", starts[1][1], "s", "<= 5 s")
        with server(home) as (client, _live, _ready):
            say("Asking /health/live while idle ...")
            idle = [ask(client) for _ in range(IDLE_REQUESTS)]
            say("Asking while cards are graded ...")
            loaded = _under_load(client)
        with _bare(home) as client:
            say("Asking a bare Starlette application ...")
            bare = [ask(client) for _ in range(IDLE_REQUESTS)]
    table.add("/health/live p50, idle", percentile(idle, 50), "ms")
    table.add("/health/live p99, idle", percentile(idle, 99), "ms", "<= 15 ms")
    table.add("/health/live p50, bare Starlette", percentile(bare, 50), "ms")
    table.add("/health/live p99, bare Starlette", percentile(bare, 99), "ms")
    table.add("p50 against bare Starlette", percentile(idle, 50) / percentile(bare, 50), "x")
    table.add("/health/live p50, while grading", percentile(loaded, 50), "ms")
    table.add(
        "/health/live p99, while grading", percentile(loaded, 99), "ms", "<= 50 ms", f"{len(loaded)} requests"
    )
    say("Measuring the queue ...")
    bench_queue(table)
    return table


@contextmanager
def server(home: Path) -> Iterator[tuple[httpx.Client, float, float]]:
    """Run ``rcg serve`` on a free port; yield a signed-in client, seconds to live and to ready."""
    port = _free_port()
    environment = dict(
        os.environ,
        RCG_DATA_DIR=str(home / "data"),
        RCG_LOG_DIR=str(home / "logs"),
        RCG_CERTS_DIR=str(home / "certs"),
    )
    command = [sys.executable, "-m", "rcg", "serve", "--host", "127.0.0.1", "--port", str(port)]
    began = time.perf_counter()
    with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL) as process:
        try:
            with httpx.Client(
                base_url=f"https://127.0.0.1:{port}", verify=_unverified(), timeout=10
            ) as client:
                live = _until(client, "/health/live", began, process)
                ready = _until(client, "/health/ready", began, process)
                token = _token(home / "data" / "cli.json")
                client.headers["Authorization"] = f"Bearer {token}"
                yield client, live, ready
        finally:
            process.terminate()
            process.wait(timeout=30)


@contextmanager
def _bare(home: Path) -> Iterator[httpx.Client]:
    """Run the smallest Starlette application with the same certificate."""
    port = _free_port()
    certs = home / "certs"
    command = [sys.executable, "-c", _BARE, str(port), str(certs / "rcg.pem"), str(certs / "rcg.key")]
    with subprocess.Popen(command) as process:
        try:
            with httpx.Client(
                base_url=f"https://127.0.0.1:{port}", verify=_unverified(), timeout=10
            ) as client:
                _until(client, "/health/live", time.perf_counter(), process)
                yield client
        finally:
            process.terminate()
            process.wait(timeout=10)


def _unverified() -> ssl.SSLContext:
    """Trust whatever answers on the loopback: this measures time, and makes its certificates itself."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _until(client: httpx.Client, path: str, began: float, process: subprocess.Popen[bytes]) -> float:
    while time.perf_counter() - began < _START_S:
        if process.poll() is not None:
            raise ChildProcessError(f"the server ended with code {process.returncode} before {path} answered")
        try:
            if client.get(path).status_code == httpx.codes.OK:
                return time.perf_counter() - began
        except httpx.TransportError:
            pass
        time.sleep(0.01)
    raise TimeoutError(f"{path} did not answer within {_START_S:.0f} s")


def _token(path: Path) -> str:
    return str(json.loads(path.read_text("utf-8"))["token"])


def ask(client: httpx.Client) -> float:
    """Ask ``/health/live`` once and rest a moment; return what it took, ms."""
    began = time.perf_counter()
    client.get("/health/live").raise_for_status()
    taken = 1e3 * (time.perf_counter() - began)
    time.sleep(_PAUSE_S)
    return taken


def _under_load(client: httpx.Client) -> list[float]:
    """Ask while demonstration cards are rendered and graded, then cancel what is left."""
    for seed in range(1, 4):
        client.post("/api/demo", json={"seed": seed}).raise_for_status()
    end = time.perf_counter() + LOAD_S
    taken = []
    while time.perf_counter() < end:
        taken.append(ask(client))
    for job in client.get("/api/jobs").raise_for_status().json()["items"]:
        if job["state"] in ("queued", "running"):
            client.post(f"/api/jobs/{job['id']}/cancel")
    return taken
