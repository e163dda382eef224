"""Devices that speak the real protocols, and tell which of their lights are on."""

import asyncio
import contextlib
import copy
import json
import os
import pty
import select
import threading
import time
import tty
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np

from rcg.capture.lights import y4m


class FakeWled:
    """A controller after WLED's documentation of its JSON API.

    States are merged, a segment with ``stop`` 0 is deleted, the full state comes only where ``v`` asks
    for it. Every answer takes its time.
    """

    def __init__(self, leds=64, delay_s=0.02, **info):
        self.delay_s = delay_s
        self.info = {
            "ver": "0.15.0", "name": "ring", "live": False,
            "leds": {"count": leds, "rgbw": False, "maxpwr": 0, "maxseg": 16},
        } | info  # fmt: skip
        self.state = {
            "on": True, "bri": 127, "transition": 7, "ps": -1, "pl": -1, "mainseg": 0,
            "nl": {"on": False, "dur": 60}, "udpn": {"send": False, "recv": True},
            "seg": [self._segment(0, start=0, stop=leds, fx=12, col=[[255, 160, 0], [0, 0, 0], [0, 0, 0]])],
        }  # fmt: skip
        self.calls, self.at_once, self.most_at_once = [], 0, 0
        self.broken = None  # what an answer to a POST becomes
        fake = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                self._answer(fake.get(self.path))

            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                self._answer(fake.post(self.path, body))

            def _answer(self, what):
                status, data = (404, b"Not Found") if what is None else (200, json.dumps(what).encode())
                try:
                    self.send_response(status)
                    self.send_header("content-length", str(len(data)))
                    self.end_headers()
                    self.wfile.write(data)
                except OSError:
                    pass

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    @staticmethod
    def _segment(number, **values):
        plain = {"id": number, "start": 0, "stop": 0, "grp": 1, "spc": 0, "of": 0, "on": True, "frz": False,
                 "bri": 255, "col": [[255, 160, 0], [0, 0, 0], [0, 0, 0]], "fx": 0, "pal": 0}  # fmt: skip
        return plain | values

    def get(self, path):
        time.sleep(self.delay_s)
        return {"/json/info": self.info, "/json/state": self.state}.get(path)

    def post(self, path, body):
        if path != "/json/state":
            return None
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        time.sleep(self.delay_s)
        self.calls.append(copy.deepcopy(body))
        if self.broken != "deaf":
            self._merge(body)
        self.at_once -= 1
        if isinstance(self.broken, dict):
            return self.broken
        return copy.deepcopy(self.state) if body.get("v") else {"success": True}

    def _merge(self, body):
        for key in ("on", "bri", "transition", "mainseg", "ps"):
            if key in body:
                self.state[key] = body[key]
        self.state["nl"] |= body.get("nl", {})
        known = {item["id"]: item for item in self.state["seg"]}
        for place, item in enumerate(body.get("seg", [])):
            number = item.get("id", place)
            changed = known.get(number, self._segment(number)) | item
            changed["stop"] = min(changed["stop"], self.info["leds"]["count"])
            colours = [*item.get("col", []), *known.get(number, self._segment(number))["col"]]
            changed["col"] = [colour[:3] for colour in colours[:3]]
            known[number] = changed
        self.state["seg"] = [known[key] for key in sorted(known) if known[key]["stop"] > known[key]["start"]]

    def leds_lit(self):
        """The LEDs that shine white at full brightness."""
        if not self.state["on"]:
            return set()
        return {
            led
            for item in self.state["seg"]
            if item["on"] and item["bri"] == 255 and item["fx"] == 0 and item["col"][0] == [255, 255, 255]
            for led in range(item["start"], item["stop"])
        }

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


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
