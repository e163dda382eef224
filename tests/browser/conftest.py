"""A real server over HTTPS with its own folders, and real Chromium that trusts its certificate."""

import contextlib
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from phone_rig import PhoneBrowser, Scene, bars
from running import GRADING_S, RING, start_server

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
MACOS = Path("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome")
FLAGS = ["--no-sandbox", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync"]  # fmt: skip


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    started = start_server(tmp_path_factory.mktemp("home"))
    yield started
    started.stop()


@pytest.fixture(scope="session")
def graded(server):
    """The id of a grade with relief: the one there is, else that of a small rendered card."""
    for card in server.call("GET", "/api/cards?limit=200")["items"]:
        if card["grades"] and card["grades"][0]["overall"]:
            return card["grades"][0]["id"]
    folder, run = server.home / "a card", [sys.executable, "-m", "rcg"]
    render = ["render", "--seed", "3", "--side", "both", "--lights", "4", "--size", "900x1200", "--no-maps",
              "--out", folder]  # fmt: skip
    environment = os.environ | {"RCG_HOME": str(server.home)}
    for command in (render, ["import", folder]):
        subprocess.run([*run, *command], env=environment, check=True, timeout=GRADING_S)
    return server.call("GET", "/api/cards")["items"][0]["grades"][0]["id"]


@pytest.fixture(scope="session")
def chromium():
    """Chromium as playwright launches it, and the path of the program."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    if found is None and MACOS.is_file():
        found = str(MACOS)
    with sync_api.sync_playwright() as playwright:
        if found is None and not Path(playwright.chromium.executable_path).is_file():
            if os.environ.get("CI") == "true":
                pytest.fail("CI needs Chromium for the browser tests: apt install chromium")
            pytest.skip("no Chromium on this computer")
        yield playwright.chromium, found


@pytest.fixture(scope="session")
def browser(chromium):
    launcher, found = chromium
    launched = launcher.launch(executable_path=found, args=FLAGS)
    yield launched
    launched.close()


class Watched:
    """A page with what it complained about."""

    def __init__(self, page):
        self.page = page
        self.complaints = []
        page.on("console", lambda message: self._note(message.type, message.text, message.location))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def _note(self, kind, text, place):
        # This browser only overlooks the certificate, and a worker's script is fetched more strictly; and a
        # fetch that leaving the page cut off is an unknown error. What the server refuses reads otherwise.
        if kind == "error" and "error occurred when fetching the script" not in text:
            self.complaints.append(f"{text} {place.get('url', '')}".strip())


@pytest.fixture
def open_page(browser, server):
    """Makes a page of a new browser, signed in unless asked otherwise; complaints fail the test."""
    contexts, watched = [], []

    def sign_in(page):
        """By the session that an earlier page began: links are rationed, and tests outrun people."""
        page.goto("/")
        if page.url.rstrip("/") != server.url:
            page.goto(server.link())
            page.wait_for_url(server.url + "/")
        server.signed_in = page.context.storage_state()

    def make(*, signed_in=True, width=1280, height=800, theme="light", strict=True, **options):
        if signed_in and server.signed_in:
            options.setdefault("storage_state", server.signed_in)
        context = browser.new_context(ignore_https_errors=True, color_scheme=theme, base_url=server.url,
                                      viewport={"width": width, "height": height}, **options)  # fmt: skip
        contexts.append(context)
        page = context.new_page()
        if strict:
            watched.append(Watched(page))
        if signed_in:
            sign_in(page)
        return page

    yield make
    for context in contexts:
        context.close()
    assert [text for each in watched for text in each.complaints] == []


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    """A server of this module's own: its tests stop it in the middle."""
    started = start_server(tmp_path_factory.mktemp("phone"))
    yield started
    started.stop()


@pytest.fixture
def phone(chromium, tmp_path):
    """Makes a phone in front of a scene."""
    opened = []

    def make(server, scene, profile="profile", **options):
        made = PhoneBrowser(chromium, server, scene, tmp_path / profile, FLAGS, **options)
        opened.append(made)
        return made

    yield make
    for each in opened:
        each.close()
    assert [text for each in opened for text in each.complaints] == []


@pytest.fixture
def plain(own):
    """A rig and a scene that take no time to make."""
    frames, dark = bars()
    scene = Scene(own, "bars", frames, dark)
    rigs = {rig["name"]: rig for rig in own.call("GET", "/api/rigs")["items"]}
    if "bars" not in rigs:
        own.call("POST", "/api/rigs", {"name": "bars", "driver": "sim", "config": {"scene": "bars"},
                                       "lights": {"kind": "named", "count": 8}})  # fmt: skip
    yield scene
    for session in own.call("GET", "/api/capture/sessions?open=true")["items"]:
        own.call("POST", f"/api/capture/sessions/{session['id']}/cancel")


@pytest.fixture
def rig(server):
    """Makes a rig; it is gone at the end."""
    made = []

    def make(driver, **body):
        body = {"name": f"{driver} {time.monotonic_ns()}", "driver": driver, "lights": RING} | body
        made.append(server.call("POST", "/api/rigs", body))
        return made[-1]

    yield make
    for each in made:
        with contextlib.suppress(ValueError):  # 204 holds no JSON
            server.call("DELETE", f"/api/rigs/{each['id']}")
