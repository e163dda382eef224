"""A phone before lights that are not there: Chromium with a file as camera, which simulated lights fill."""

import io
import ssl
import time
import urllib.request

import numpy as np
from PIL import Image

from rcg.bench import phone_rig
from rcg.bench.phone_rig import CAMERA_FLAGS, bars, spki_of

__all__ = ["LIGHTS", "PhoneBrowser", "Scene", "bars"]
LIGHTS = list(phone_rig.LIGHTS)
WANTED = ["ambient", *LIGHTS]


class Scene(phone_rig.Scene):
    """Frames of one card under eight lights and none, in the data folder of a server."""

    def __init__(self, server, name, frames, dark):
        super().__init__(server.home / "data", name, frames, dark)


class PhoneBrowser:
    """One installation of Chromium: its profile outlives a page, as a phone's does."""

    def __init__(
        self,
        chromium,
        server,
        scene,
        profile,
        flags,
        *,
        signed_in=True,
        trusted=True,
        own_camera=False,
        **options,
    ):
        launcher, path = chromium
        camera = [] if own_camera else [f"--use-file-for-fake-video-capture={scene.camera}"]
        trust = f"--ignore-certificate-errors-spki-list={spki_of(server.url)}"
        options.setdefault("viewport", {"width": 390, "height": 844})
        self.context = launcher.launch_persistent_context(
            str(profile), executable_path=path, headless=True, base_url=server.url, has_touch=True,
            args=[*flags, *CAMERA_FLAGS, *camera, *([trust] if trusted else [])],
            ignore_https_errors=not trusted, **options,
        )  # fmt: skip
        self.context.set_default_timeout(30_000)
        self.page = self.context.pages[0]
        self.complaints = []
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        if not signed_in:
            return
        if server.signed_in:
            self.context.add_cookies(server.signed_in["cookies"])
        self.page.goto("/capture/")
        if "/pair" in self.page.url:
            self._sign_in(server)
            self.page.goto("/capture/")
        self.page.locator("body[data-ready]").wait_for()

    def _sign_in(self, server):
        """By a link, once for all phones of a server: links are rationed, and tests outrun people."""
        self.page.goto(server.link())
        self.page.wait_for_url(server.url + "/")
        server.signed_in = self.context.storage_state()

    def close(self):
        self.context.close()


def photograph(server, sha256):
    """A stored frame's pixels."""
    request = urllib.request.Request(
        f"{server.url}/api/blobs/{sha256}", headers={"authorization": f"Bearer {server.token}"}
    )
    with urllib.request.urlopen(request, context=ssl._create_unverified_context(), timeout=30) as answer:
        return np.asarray(Image.open(io.BytesIO(answer.read())).convert("RGB"))


def check_lights(server, scene, frames):
    """Every frame shows the light it says."""
    seen = {}
    for frame in frames:
        seen[frame["light"]], _ = scene.light_of(photograph(server, frame["sha256"]))
    assert seen == {light: light for light in WANTED}


def session_of(server):
    return server.call("GET", "/api/capture/sessions?limit=1")["items"][0]


def until(condition, seconds=30):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = condition()
        if found:
            return found
        time.sleep(0.1)
    raise AssertionError("it did not come to that")


def begin(page, name, sides="Front", rig="bars", way="Simulated"):
    page.get_by_label("Card", exact=True).fill(name)
    page.get_by_label(sides, exact=True).check()
    page.get_by_label("Lights").select_option(label=f"{rig} ({way})")
    page.get_by_role("button", name="Begin").click()
    page.locator("[data-go]:not([disabled])").wait_for()


def four_lights(server):
    rigs = {rig["name"]: rig for rig in server.call("GET", "/api/rigs")["items"]}
    body = {"driver": "sim", "config": {"scene": "bars"}, "lights": {"kind": "named", "count": 4}}
    return rigs.get("four") or server.call("POST", "/api/rigs", {"name": "four", **body})
