"""A phone before lights that are not there: Chromium with a file as camera, which simulated lights fill."""

import time

from rcg.bench import phone_rig
from rcg.bench.phone_rig import CAMERA_FLAGS, bars, spki_of

__all__ = ["LIGHTS", "PhoneBrowser", "Scene", "bars"]
LIGHTS = list(phone_rig.LIGHTS)


class Scene(phone_rig.Scene):
    """Frames of one card under eight lights and none, in the data folder of a server."""

    def __init__(self, server, name, frames, dark):
        super().__init__(server.home / "data", name, frames, dark)


_LINKS_A_MINUTE = 5
_SIGN_INS = 5


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
        self.page.goto("/capture/")
        if "/pair" in self.page.url:
            self._sign_in(server)
            self.page.goto("/capture/")
        self.page.locator("body[data-ready]").wait_for()

    def _sign_in(self, server):
        """By a link. Links are rationed, and tests that follow each other outrun people: then wait."""
        for _ in range(_SIGN_INS):
            self.page.goto(server.link())
            self.page.wait_for_function(
                "() => location.pathname === '/' || document.querySelector('[data-problem]')?.hidden == false"
            )
            if self.page.url == server.url + "/":
                return
            time.sleep(60 / _LINKS_A_MINUTE)
        raise AssertionError(self.page.locator("[data-problem]").inner_text())

    def close(self):
        self.context.close()
