"""A WLED controller that is not there: it speaks the JSON API over HTTP, for benchmarks and tests."""

from __future__ import annotations

import copy
import json
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class FakeWled:
    """A controller after WLED's documentation of its JSON API.

    States are merged, a segment with ``stop`` 0 is deleted, the full state comes only where ``v`` asks
    for it. Every answer takes its time.

    Args:
        leds: how many the strip has.
        delay_s: of every answer.
        changed: called with the fake after each change of its state, in the thread of the request.
        info: replaces parts of what ``/json/info`` says.

    Attributes:
        calls: bodies of every change.
        most_at_once: how many requests were worked on at the same time at most.
        broken: ``"deaf"``: changes are ignored; an object: the answer to a change.
    """

    def __init__(
        self,
        leds: int = 64,
        delay_s: float = 0.02,
        changed: Callable[[FakeWled], None] = lambda _fake: None,
        **info: Any,
    ) -> None:
        self.delay_s = delay_s
        self._changed = changed
        self.info: dict[str, Any] = {
            "ver": "0.15.0", "name": "ring", "live": False,
            "leds": {"count": leds, "rgbw": False, "maxpwr": 0, "maxseg": 16},
        } | info  # fmt: skip
        self.state: dict[str, Any] = {
            "on": True, "bri": 127, "transition": 7, "ps": -1, "pl": -1, "mainseg": 0,
            "nl": {"on": False, "dur": 60}, "udpn": {"send": False, "recv": True},
            "seg": [self._segment(0, start=0, stop=leds, fx=12, col=[[255, 160, 0], [0, 0, 0], [0, 0, 0]])],
        }  # fmt: skip
        self.calls: list[dict[str, Any]] = []
        self.at_once = self.most_at_once = 0
        self.broken: Any = None
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        fake = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                self._answer(fake.get(self.path))

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                self._answer(fake.post(self.path, body))

            def _answer(self, what: Any) -> None:
                status, data = (404, b"Not Found") if what is None else (200, json.dumps(what).encode())
                try:
                    self.send_response(status)
                    self.send_header("content-length", str(len(data)))
                    self.end_headers()
                    self.wfile.write(data)
                except OSError:
                    pass

            def log_message(self, *_: Any) -> None:
                pass

        return Handler

    @staticmethod
    def _segment(number: int, **values: Any) -> dict[str, Any]:
        plain = {"id": number, "start": 0, "stop": 0, "grp": 1, "spc": 0, "of": 0, "on": True, "frz": False,
                 "bri": 255, "col": [[255, 160, 0], [0, 0, 0], [0, 0, 0]], "fx": 0, "pal": 0}  # fmt: skip
        return plain | values

    def get(self, path: str) -> dict[str, Any] | None:
        """Answer a GET; None: there is no such path."""
        time.sleep(self.delay_s)
        return {"/json/info": self.info, "/json/state": self.state}.get(path)

    def post(self, path: str, body: dict[str, Any]) -> Any:
        """Answer a POST; None: there is no such path."""
        if path != "/json/state":
            return None
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        time.sleep(self.delay_s)
        self.calls.append(copy.deepcopy(body))
        if self.broken != "deaf":
            self._merge(body)
            self._changed(self)
        self.at_once -= 1
        if isinstance(self.broken, dict):
            return self.broken
        return copy.deepcopy(self.state) if body.get("v") else {"success": True}

    def _merge(self, body: dict[str, Any]) -> None:
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

    def leds_lit(self) -> set[int]:
        """Return the LEDs that shine white at full brightness."""
        if not self.state["on"]:
            return set()
        return {
            led
            for item in self.state["seg"]
            if item["on"] and item["bri"] == 255 and item["fx"] == 0 and item["col"][0] == [255, 255, 255]
            for led in range(item["start"], item["stop"])
        }

    def stop(self) -> None:
        """Close the port."""
        self.server.shutdown()
        self.server.server_close()
