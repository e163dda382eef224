"""``rcg bench capture``, the phone's part: the page in Chromium, its lights, and a network that fails.

The camera is a file that the lights rewrite, so that every frame goes the true way: page, network, database.
Chromium and playwright are needed for the rows of the page; without them these say why they are left out.
"""

from __future__ import annotations

import io
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import numpy as np
from PIL import Image

from rcg.bench.cuts import bench_cuts
from rcg.bench.fake_wled import FakeWled
from rcg.bench.phone_rig import LIGHTS, WANTED, Scene, bars, chromium
from rcg.bench.serve import server
from rcg.bench.table import Table, percentile
from rcg.capture.lights import y4m
from rcg.errors import UnavailableError

if TYPE_CHECKING:
    from playwright.sync_api import Page

Say = Callable[[str], None]
FULL, SMALL = (3840, 2160), (960, 1280)
WLED_ANSWER_S, WLED_SHOWS_S = 0.045, 0.024
"""of the pretended controller: an HTTP answer over Wi-Fi, and its strip's next refresh after that"""
THROTTLE = 4
_TAKEN_MS = 180_000
_LOSSY = """() => {
  const real = window.fetch;
  let asked = 0;
  window.cut = 0;
  window.fetch = async (path, init) => {
    if (!/blobs|frames|light$/.test(String(path)) || ++asked % 3) return real(path, init);
    if (++window.cut % 2) await real(path, init);
    throw new TypeError("cut");
  };
}"""


@dataclass(frozen=True)
class Chosen:
    """Which figures are wanted; 0 leaves one out.

    Attributes:
        timings: sides that are timed with each way of lights.
        closed_loop: sides in which every frame is compared with what its light shows.
        disconnects: forced between a script and the server, with restarts of the server among them.
        page_disconnects: forced between the page and the server.
        guidance: seconds in which the page's looks are counted.
    """

    timings: int = 0
    closed_loop: int = 0
    disconnects: int = 0
    page_disconnects: int = 0
    guidance: int = 0

    @property
    def pages(self) -> bool:
        """Whether Chromium is needed."""
        return bool(self.timings or self.closed_loop or self.page_disconnects or self.guidance)


def bench_phone(chosen: Chosen, table: Table, say: Say) -> None:
    """Add the chosen rows to a table."""
    if chosen.disconnects:
        bench_cuts(chosen.disconnects, table, say)
    if not chosen.pages:
        return
    try:
        _pages(chosen, table, say)
    except UnavailableError as error:
        table.add("the phone's page", float("nan"), "", "", f"left out: {error.detail} {error.hint}")


def _pages(chosen: Chosen, table: Table, say: Say) -> None:
    if chosen.closed_loop or chosen.page_disconnects:
        with _phone(SMALL) as phone:
            if chosen.closed_loop:
                _closed_loop(phone, chosen.closed_loop, table, say)
            if chosen.page_disconnects:
                _lossy(phone, chosen.page_disconnects, table, say)
    if chosen.timings or chosen.guidance:
        with _phone(FULL, noise=3.0) as phone:
            if chosen.timings:
                _timings(phone, chosen.timings, table, say)
            if chosen.guidance:
                _guidance(phone, chosen.guidance, table, say)


@dataclass
class _Phone:
    """A server, a scene, and the page in front of it."""

    client: httpx.Client
    scene: Scene
    page: Page

    def call(self, method: str, path: str, body: Any = None) -> Any:
        return self.client.request(method, f"/api{path}", json=body).raise_for_status().json()

    def rig(self, name: str, driver: str, **config: Any) -> str:
        lights = {"kind": "named", "count": len(LIGHTS)}
        body = {"name": name, "driver": driver, "config": config, "lights": lights}
        return str(self.call("POST", "/rigs", body)["id"])

    def begin(self, rig: str, name: str) -> str:
        """Begin a session and open it on the page; return its id once the page could shoot."""
        body = {"rig": rig, "card": {"name": name}, "sides": ["front"]}
        session = str(self.call("POST", "/capture/sessions", body)["id"])
        self.page.goto(f"/capture/?session={session}")
        self.page.locator("[data-go]:not([disabled])").wait_for()
        return session

    def shoot(self) -> float:
        """Tap; return the seconds until every frame of the side is at the server."""
        began = time.perf_counter()
        self.page.locator("[data-go]").click()
        self.page.locator("[data-done]:not([hidden])").wait_for(timeout=_TAKEN_MS)
        return time.perf_counter() - began

    def taken(self, session: str) -> dict[str, Any]:
        """Return a session; its grading is cancelled, so that it slows nothing down."""
        found: dict[str, Any] = self.call("GET", f"/capture/sessions/{session}")
        if found["job_id"]:
            self.client.post(f"/api/jobs/{found['job_id']}/cancel")
        return found

    def wrong(self, session: dict[str, Any]) -> int:
        """How many frames show another light than theirs, or are missing."""
        wrong = len(WANTED) - len(session["frames"])
        for frame in session["frames"]:
            data = self.client.get(f"/api/blobs/{frame['sha256']}").raise_for_status().content
            pixels = np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))
            wrong += self.scene.light_of(pixels)[0] != frame["light"]
        return wrong


@contextmanager
def _phone(size: tuple[int, int], noise: float = 0.0) -> Iterator[_Phone]:
    with tempfile.TemporaryDirectory(prefix="rcg-bench-") as folder:
        home = Path(folder)
        frames, dark = bars(size, noise)
        with server(home) as (client, _, _):
            scene = Scene(home / "data", "bench", frames, dark)
            with chromium(str(client.base_url), scene, home / "profile") as context:
                page = context.pages[0]
                link = client.post("/api/links", json={}).raise_for_status().json()["path"]
                page.goto(link)
                page.wait_for_url("**/")
                yield _Phone(client, scene, page)


def _closed_loop(phone: _Phone, runs: int, table: Table, say: Say) -> None:
    rig, wrong, seconds = phone.rig("loop", "sim", scene="bench"), 0, []
    for run in range(runs):
        say(f"Closed loop, {run + 1} of {runs} ...")
        session = phone.begin(rig, f"Loop {run + 1}")
        seconds.append(phone.shoot())
        wrong += phone.wrong(phone.taken(session))
    size = f"{SMALL[0]} x {SMALL[1]}"
    note = f"{runs} sides of {len(WANTED)} frames, {size}; median {percentile(seconds, 50):.1f} s"
    table.add("closed loop: frames that show another light", wrong, "", "0 in 20 sides", note)


def _lossy(phone: _Phone, cuts: int, table: Table, say: Say) -> None:
    """Cut every third request of the page before it leaves, or its answer; a retry is the page's own."""
    rig, cut, lost, doubled, sides = phone.rig("lossy", "sim", scene="bench"), 0, 0, 0, 0
    while cut < cuts:
        say(f"The page's network fails, {cut} of {cuts} times ...")
        session = phone.begin(rig, f"Lossy {sides}")
        phone.page.evaluate(_LOSSY)
        phone.shoot()
        cut += int(phone.page.evaluate("window.cut"))
        found = phone.taken(session)
        lost += phone.wrong(found)
        gradings = phone.call("GET", f"/jobs?kind=grade&subject=card:{found['card']['id']}")["items"]
        doubled += max(0, len(found["frames"]) - len(WANTED)) + max(0, len(gradings) - 1)
        sides += 1
    note = f"{cut} requests cut in {sides} sides"
    table.add("page: frames lost or wrong, network cut", lost, "", "0", note)
    table.add("page: frames or gradings doubled", doubled, "", "0")


def _timings(phone: _Phone, runs: int, table: Table, say: Say) -> None:
    size = f"{FULL[0]} x {FULL[1]}"
    rig = phone.rig("sim", "sim", scene="bench")
    seconds, wrong = _sides(phone, rig, runs, "sim", say)
    _timed(table, f"one side, 8 + 1 frames of {size}, sim", seconds, wrong, "<= 6 s")
    planes = {light: y4m.i420(frame) for light, frame in phone.scene.frames.items()}

    def lit(fake: FakeWled) -> None:
        leds = fake.leds_lit()
        light = str(min(leds) // 8 + 1) if leds else "ambient"
        threading.Timer(WLED_SHOWS_S, phone.scene.put, [planes[light]]).start()

    fake = FakeWled(leds=64, delay_s=WLED_ANSWER_S, changed=lit)
    try:
        rig = phone.rig("wled", "wled", url=fake.url, per_light=8)
        seconds, wrong = _sides(phone, rig, runs, "WLED", say)
    finally:
        fake.stop()
    delays = f"answers in {1000 * WLED_ANSWER_S:.0f} ms, shows {1000 * WLED_SHOWS_S:.0f} ms later"
    _timed(table, f"one side, 8 + 1 frames of {size}, WLED", seconds, wrong, "<= 15 s", delays)


def _sides(phone: _Phone, rig: str, runs: int, name: str, say: Say) -> tuple[list[float], int]:
    seconds, wrong = [], 0
    for run in range(runs):
        say(f"Timing a side with {name}, {run + 1} of {runs} ...")
        session = phone.begin(rig, f"{name} {run + 1}")
        phone.page.wait_for_timeout(1500)  # as a person looks before the tap
        seconds.append(phone.shoot())
        wrong += phone.wrong(phone.taken(session))
    return seconds, wrong


def _timed(table: Table, name: str, seconds: list[float], wrong: int, target: str, more: str = "") -> None:
    said = [f"best of {len(seconds)}, median {percentile(seconds, 50):.1f} s", f"{wrong} wrong frames", more]
    table.add(name, min(seconds), "s", target, "; ".join(filter(None, said)))


def _guidance(phone: _Phone, seconds: int, table: Table, say: Say) -> None:
    """Count the page's looks with its main thread slowed down; then once more without the worker."""
    rig = phone.rig("guide", "sim", scene="bench")
    for where in ("in a worker", "in the page itself"):
        say(f"Counting looks {where} at a {THROTTLE} times slower processor ...")
        if where != "in a worker":
            phone.page.add_init_script("delete window.Worker")
        session = phone.begin(rig, f"Guidance {where}")
        tools = phone.page.context.new_cdp_session(phone.page)
        tools.send("Emulation.setCPUThrottlingRate", {"rate": THROTTLE})
        phone.page.wait_for_timeout(3000)
        counts = []
        for _ in range(seconds):
            phone.page.wait_for_timeout(1000)
            counts.append(_looks(phone.page))
        tools.send("Emulation.setCPUThrottlingRate", {"rate": 1})
        target = ">= 10" if where == "in a worker" else ""
        note = f"least of {seconds} s; median {percentile(counts, 50):.0f}; {FULL[0]} x {FULL[1]} camera"
        table.add(f"looks a second, processor / {THROTTLE}, {where}", min(counts), "", target, note)
        phone.call("POST", f"/capture/sessions/{session}/cancel")


def _looks(page: Page) -> float:
    """Looks a second, as the page itself counts them."""
    words = page.locator("[data-figures]").text_content() or ""
    for part in words.split(", "):
        if part.endswith("looks a second"):
            return float(part.split(" ")[0])
    return 0.0
