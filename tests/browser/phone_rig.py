"""A phone before lights that are not there: Chromium with a file as camera, which simulated lights fill."""

import base64
import hashlib
import socket
import ssl
from urllib.parse import urlsplit

import numpy as np
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from rcg.capture.lights import y4m

CAMERA_FLAGS = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream", "--disable-gpu")
LIGHTS = [str(number) for number in range(1, 9)]


def spki_of(url):
    """Hash by which Chromium trusts one certificate wholly: service workers work as they do for users."""
    place = urlsplit(url)
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with (
        socket.create_connection((place.hostname, place.port), 10) as plain,
        context.wrap_socket(plain, server_hostname=place.hostname) as secure,
    ):
        leaf = x509.load_der_x509_certificate(secure.getpeercert(binary_form=True))
    key = leaf.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(hashlib.sha256(key).digest()).decode()


class Scene:
    """Frames of one card under eight lights and none, in the data folder of a server."""

    def __init__(self, server, name, frames, dark):
        self.name, self.frames = name, {"ambient": dark, **frames}
        self.folder = server.home / "data" / "sim" / name
        self.folder.mkdir(parents=True, exist_ok=True)
        height, width = dark.shape[:2]
        for light, pixels in self.frames.items():
            y4m.write(self.folder / f"{light}.y4m", width, height, y4m.i420(pixels))
        mean = np.mean(list(frames.values()), axis=0).astype(np.uint8)
        y4m.write(self.folder / "all.y4m", width, height, y4m.i420(mean))
        self.camera = self.folder / "camera.y4m"
        if not self.camera.exists():
            y4m.write(self.camera, width, height, y4m.i420(mean))

    def show(self, light):
        """What a person's hand does: have the camera see a light."""
        planes = y4m.i420(self.frames[light])
        with self.camera.open("r+b") as file:
            file.seek(y4m.read(self.camera).offset)
            file.write(planes)

    def light_of(self, pixels):
        """Which light a photograph shows: the frame of the scene that it is nearest to."""
        grey = pixels.astype(np.float32).mean(axis=2)
        off = {
            light: np.abs(grey - frame.astype(np.float32).mean(axis=2)).mean()
            for light, frame in self.frames.items()
        }
        return min(off, key=off.get), off


def bars(size=(480, 640)):
    """A plain scene: a light card on dark ground with a bar where the light is, quick to make."""
    width, height = size
    frames = {}
    for number, light in enumerate(LIGHTS):
        picture = np.full((height, width, 3), 34, np.uint8)
        top, left = int(0.12 * height), int(0.14 * width)
        card = picture[top : height - top, left : width - left]
        card[:] = 150
        card[10:-10:6, 10:-10] = 90
        step = card.shape[0] // 9
        card[step * number + 8 : step * (number + 1) + 8, 20:-20] = 235
        frames[light] = picture
    return frames, np.full((height, width, 3), 18, np.uint8)


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
            self.page.goto(server.link())
            self.page.wait_for_url(server.url + "/")
            self.page.goto("/capture/")
        self.page.locator("body[data-ready]").wait_for()

    def close(self):
        self.context.close()
