"""Forced disconnects between a script and a real server (``rcg bench capture``): nothing lost, nothing twice.

Frames are sent as the phone's page sends them: bytes by ``PUT /api/blobs/SHA256``, then
``PUT /api/capture/sessions/ID/frames/LIGHT``, each tried again until the server has confirmed it. Between
them the connection is cut in the middle of the bytes, after the bytes and before the answer, and after what
the frame is and before the answer; now and then the server is killed and started again.
"""

from __future__ import annotations

import hashlib
import io
import itertools
import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import httpx
import numpy as np
from PIL import Image

from rcg.bench.phone_rig import LIGHTS, WANTED
from rcg.bench.table import Table

Say = Callable[[str], None]
Cut = Literal["in the bytes", "before the blob's answer", "before the frame's answer"]
CUTS: tuple[Cut, ...] = ("in the bytes", "before the blob's answer", "before the frame's answer")
KILLED_EVERY = 25
_START_S = 90.0
_PIECE = 8192


class Restartable:
    """``rcg serve`` on one port, which can be killed and started again on the same data folder."""

    def __init__(self, home: Path) -> None:
        self._home = home
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self.tls = ssl.create_default_context()
        self.tls.check_hostname, self.tls.verify_mode = False, ssl.CERT_NONE
        self.http = httpx.Client(base_url=f"https://127.0.0.1:{self.port}", verify=self.tls, timeout=30)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def token(self) -> str:
        """What signs a request in."""
        return str(json.loads((self._home / "data" / "cli.json").read_text("utf-8"))["token"])

    def start(self) -> None:
        """Start it, and wait until it is ready."""
        environment = dict(
            os.environ,
            RCG_DATA_DIR=str(self._home / "data"),
            RCG_LOG_DIR=str(self._home / "logs"),
            RCG_CERTS_DIR=str(self._home / "certs"),
        )
        command = [sys.executable, "-m", "rcg", "serve", "--host", "127.0.0.1", "--port", str(self.port)]
        self._process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
        end = time.monotonic() + _START_S
        while time.monotonic() < end:
            try:
                if self.http.get("/health/ready").status_code == httpx.codes.OK:
                    self.http.headers["Authorization"] = f"Bearer {self.token}"
                    return
            except httpx.TransportError:
                pass
            time.sleep(0.05)
        raise TimeoutError(f"the server was not ready within {_START_S:.0f} s")

    def kill(self) -> None:
        """Kill it without a word."""
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()

    def stop(self) -> None:
        """Stop it in order."""
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            self._process.wait(30)
        self.http.close()

    def send_and_vanish(self, path: str, body: bytes, kind: str, share: float) -> None:
        """Begin a PUT, send a share of its body, and cut the connection without reading an answer."""
        head = (
            f"PUT {path} HTTP/1.1\r\nhost: 127.0.0.1:{self.port}\r\nauthorization: Bearer {self.token}\r\n"
            f"content-type: {kind}\r\ncontent-length: {len(body)}\r\n\r\n"
        )
        with socket.create_connection(("127.0.0.1", self.port), 10) as plain:
            secure = self.tls.wrap_socket(plain, server_hostname="127.0.0.1")
            sent = body[: int(share * len(body))]
            secure.sendall(head.encode())
            for at in range(0, len(sent), _PIECE):
                secure.sendall(sent[at : at + _PIECE])
            if share == 1.0:
                time.sleep(0.005)  # so that some are cut while the server works on them
            secure.close()


def bench_cuts(cuts: int, table: Table, say: Say) -> None:
    """Force ``cuts`` disconnects while cards are sent; add what was lost and doubled."""
    with tempfile.TemporaryDirectory(prefix="rcg-bench-") as folder:
        server = Restartable(Path(folder))
        server.start()
        try:
            _sent(server, cuts, table, say)
        finally:
            server.stop()


def _sent(server: Restartable, cuts: int, table: Table, say: Say) -> None:
    lights = {"kind": "named", "count": len(LIGHTS)}
    server.http.post(
        "/api/rigs", json={"name": "hand", "driver": "manual", "lights": lights}
    ).raise_for_status()
    plan = itertools.cycle(CUTS)
    done, kills, sides = 0, 0, 0
    sessions: dict[str, dict[str, str]] = {}
    while done < cuts:
        say(f"Disconnects, {done} of {cuts} ...")
        body = {"card": {"name": f"Cut {sides}"}, "sides": ["front"]}
        session = server.http.post("/api/capture/sessions", json=body).raise_for_status().json()["id"]
        sessions[session] = {}
        for number, light in enumerate(WANTED):
            data = _photograph(100 * sides + number)
            sha = hashlib.sha256(data).hexdigest()
            sessions[session][light] = sha
            if done < cuts:
                _cut(server, next(plan), session, light, data, sha)
                done += 1
                if done % KILLED_EVERY == 0:
                    server.kill()
                    server.start()
                    kills += 1
            _whole(server, session, light, data, sha)
        sides += 1
    lost, doubled = _compare(server, sessions)
    note = f"{done} cuts in {sides} sides of {len(WANTED)} frames, {kills} of them with a killed server"
    table.add("script: frames lost or damaged", lost, "", "0", note)
    table.add("script: frames, captures or gradings doubled", doubled, "", "0")


def _photograph(seed: int) -> bytes:
    grain = np.random.default_rng(seed).integers(0, 255, (160, 120, 3), np.uint8)
    file = io.BytesIO()
    Image.fromarray(grain).save(file, "JPEG", quality=95)
    return file.getvalue()


def _told(sha: str) -> dict[str, Any]:
    return {"sha256": sha, "side": "front", "mode": "photo", "taken_at": 1_790_000_000_000}


def _cut(server: Restartable, cut: Cut, session: str, light: str, data: bytes, sha: str) -> None:
    if cut == "before the frame's answer":
        server.http.put(f"/api/blobs/{sha}", content=data).raise_for_status()
        body = json.dumps(_told(sha)).encode()
        server.send_and_vanish(
            f"/api/capture/sessions/{session}/frames/{light}", body, "application/json", 1.0
        )
        return
    share = 0.5 if cut == "in the bytes" else 1.0
    server.send_and_vanish(f"/api/blobs/{sha}", data, "image/jpeg", share)


def _whole(server: Restartable, session: str, light: str, data: bytes, sha: str) -> None:
    """Send a frame until it is confirmed, as the page does; twice, because an answer may have been lost."""
    for _ in range(2):
        server.http.put(f"/api/blobs/{sha}", content=data).raise_for_status()
        place = f"/api/capture/sessions/{session}/frames/{light}"
        answer = server.http.put(place, json=_told(sha)).raise_for_status().json()
        if answer["sha256"] != sha:
            raise RuntimeError(f"the server confirmed {answer['sha256']}, not {sha}")


def _compare(server: Restartable, sessions: dict[str, dict[str, str]]) -> tuple[int, int]:
    """Return how many frames are not there as they were sent, and how much is there more than once."""
    lost = doubled = 0
    for session_id, wanted in sessions.items():
        session = server.http.get(f"/api/capture/sessions/{session_id}").raise_for_status().json()
        have = {frame["light"]: frame["sha256"] for frame in session["frames"]}
        lost += sum(have.get(light) != sha for light, sha in wanted.items())
        doubled += len(session["frames"]) - len(have)
        for sha in wanted.values():
            data = server.http.get(f"/api/blobs/{sha}").content
            lost += hashlib.sha256(data).hexdigest() != sha
        lost += session["state"] != "complete"
        card = server.http.get(f"/api/cards/{session['card']['id']}").raise_for_status().json()
        doubled += max(0, len(card["captures"]) - 1)
        query = {"kind": "grade", "subject": f"card:{card['id']}"}
        gradings = server.http.get("/api/jobs", params=query).json()["items"]
        lost += not gradings
        doubled += max(0, len(gradings) - 1)
    return lost, doubled
