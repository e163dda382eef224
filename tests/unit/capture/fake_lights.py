"""Devices that speak the real protocols, and tell which of their lights are on."""

import asyncio
import contextlib
import os
import pty
import select
import threading
import time
import tty

import numpy as np

from rcg.bench.fake_wled import FakeWled
from rcg.capture.lights import y4m

__all__ = ["FakeBoard", "FakeSomebody", "FakeWled", "make_scene", "seen"]


class FakeBoard:
    """The sketch of docs/lights.md behind a pseudo-terminal."""

    def __init__(self, count=8, boot_s=0.1, greeting=None):
        self.count, self.greeting = count, greeting
        self.lit, self.heard, self.answer = set(range(1, count + 1)), [], None
        self._board, self._computer = pty.openpty()
        tty.setraw(self._computer)
        self.port = os.ttyname(self._computer)
        self._ready = time.monotonic() + boot_s
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._loop, daemon=True)
        self._thread.start()

    def _loop(self):
        buffer = b""
        while not self._ended.is_set():
            try:
                if not select.select([self._board], [], [], 0.01)[0]:
                    continue
                buffer += os.read(self._board, 100)
            except OSError:
                return
            while b"\n" in buffer:
                line, buffer = buffer.split(b"\n", 1)
                if time.monotonic() >= self._ready:  # what comes while it starts is lost
                    self._take(line.decode().strip())

    def _take(self, line):
        self.heard.append(line)
        said = self.answer(line) if self.answer else self._said(line)
        if said is not None:
            os.write(self._board, said.encode() + b"\r\n")

    def _said(self, line):
        if line == "?":
            return self.greeting or f"RCG-LIGHT 1 {self.count}"
        if line in ("X", "A"):
            self.lit = set() if line == "X" else set(range(1, self.count + 1))
            return f"OK {line}"
        if line[:1] == "L" and line[1:].isdigit() and 1 <= int(line[1:]) <= self.count:
            self.lit = {int(line[1:])}
            return f"OK {line[1:]}"
        return "ERR unknown"

    def unplug(self):
        self._ended.set()
        self._thread.join()
        for end in (self._board, self._computer):
            with contextlib.suppress(OSError):
                os.close(end)

    stop = unplug


class FakeSomebody:
    """A page or a person: hears requests, does them after a while, answers their number."""

    def __init__(self, delay_s=0.03):
        self.delay_s, self.heard, self.light, self.answers = delay_s, [], "all", True
        self.driver = None
        self._tasks = set()

    def tell(self, request):
        self.heard.append(request)
        task = asyncio.get_running_loop().create_task(self._do(request))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _do(self, request):
        await asyncio.sleep(self.delay_s)
        if self.answers:
            self.light = request.light
            self.driver.told.answer(request.seq)


def make_scene(folder, count=8, size=(16, 12)):
    """Frames whose luma tells their light: 20 for dark, 40 + 10 k for light k."""
    folder.mkdir(parents=True)
    width, height = size
    chroma = bytes([128]) * (width * height // 2)
    for name, luma in [("ambient", 20), *((str(k), 40 + 10 * k) for k in range(1, count + 1))]:
        y4m.write(folder / f"{name}.y4m", width, height, bytes([luma]) * (width * height) + chroma)
    y4m.write(folder / "camera.y4m", width, height, bytes([77]) * (width * height) + chroma)
    return folder


def seen(folder):
    """Mean luma of what the camera sees."""
    shown = y4m.read(folder / "camera.y4m")
    return float(np.frombuffer(shown.planes[: shown.width * shown.height], np.uint8).mean())
