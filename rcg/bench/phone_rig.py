"""A phone before lights that are not there: Chromium with a file as its camera, which lights fill."""

from __future__ import annotations

import base64
import hashlib
import shutil
import socket
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import numpy as np
import numpy.typing as npt
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from rcg.capture.lights import y4m
from rcg.errors import UnavailableError

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext

Pixels = npt.NDArray[np.uint8]
CAMERA_FLAGS = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream", "--disable-gpu")
FLAGS = (
    "--no-sandbox", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--enable-unsafe-swiftshader",
)  # fmt: skip
LIGHTS = tuple(str(number) for number in range(1, 9))
WANTED = ("ambient", *LIGHTS)
_COMPARED_PX = 640
"""width in which frames are compared; larger ones are thinned out"""
_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_MACOS = Path("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome")


class Scene:
    """Frames of one card under each light and none, in the data folder of a server.

    Args:
        data: the server's data folder.
        name: of the scene.
        frames: (h, w, 3) of each light, both sides even.
        dark: without light.
    """

    def __init__(self, data: Path, name: str, frames: Mapping[str, Pixels], dark: Pixels) -> None:
        self.name = name
        self.frames: dict[str, Pixels] = {"ambient": dark, **frames}
        self.folder = data / "sim" / name
        self.folder.mkdir(parents=True, exist_ok=True)
        height, width = dark.shape[:2]
        for light, pixels in self.frames.items():
            y4m.write(self.folder / f"{light}.y4m", width, height, y4m.i420(pixels))
        mean = np.mean(list(frames.values()), axis=0).astype(np.uint8)
        y4m.write(self.folder / "all.y4m", width, height, y4m.i420(mean))
        self.camera = self.folder / "camera.y4m"
        if not self.camera.exists():
            y4m.write(self.camera, width, height, y4m.i420(mean))
        self._offset = y4m.read(self.camera).offset

    def show(self, light: str) -> None:
        """Have the camera see a light, as a lamp does."""
        self.put(y4m.i420(self.frames[light]))

    def put(self, planes: bytes) -> None:
        """Have the camera see these I420 bytes."""
        with self.camera.open("r+b") as file:
            file.seek(self._offset)
            file.write(planes)

    def light_of(self, pixels: Pixels) -> tuple[str, dict[str, float]]:
        """Return which light a photograph shows, the nearest frame of the scene, and how far each is off."""
        step = max(1, pixels.shape[1] // _COMPARED_PX)
        grey = pixels[::step, ::step].astype(np.float32).mean(axis=2)
        off = {
            light: float(np.abs(grey - frame[::step, ::step].astype(np.float32).mean(axis=2)).mean())
            for light, frame in self.frames.items()
        }
        return min(off, key=lambda light: off[light]), off


def bars(size: tuple[int, int] = (480, 640), noise: float = 0.0) -> tuple[dict[str, Pixels], Pixels]:
    """Make a plain scene quickly: a light card on dark ground with a bar where the light is.

    Args:
        size: width and height.
        noise: standard deviation, so that a JPEG of it has the size of a real one.
    """
    width, height = size
    rng = np.random.default_rng(1)

    def noisy(picture: Pixels) -> Pixels:
        if not noise:
            return picture
        grain = rng.normal(0, noise, picture.shape[:2]).astype(np.float32)[:, :, None]
        return np.asarray(np.clip(picture + grain, 0, 255), np.uint8)

    frames = {}
    for number, light in enumerate(LIGHTS):
        picture = np.full((height, width, 3), 34, np.uint8)
        top, left = int(0.12 * height), int(0.14 * width)
        card = picture[top : height - top, left : width - left]
        card[:] = 150
        card[10:-10:6, 10:-10] = 90
        step = card.shape[0] // 9
        card[step * number + 8 : step * (number + 1) + 8, 20:-20] = 235
        frames[light] = noisy(picture)
    return frames, noisy(np.full((height, width, 3), 18, np.uint8))


def spki_of(url: str) -> str:
    """Return the hash by which Chromium trusts one certificate wholly, as a user's does."""
    place = urlsplit(url)
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with (
        socket.create_connection((place.hostname or "", place.port or 443), 10) as plain,
        context.wrap_socket(plain, server_hostname=place.hostname) as secure,
    ):
        leaf = x509.load_der_x509_certificate(secure.getpeercert(binary_form=True) or b"")
    key = leaf.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(hashlib.sha256(key).digest()).decode()


@contextmanager
def chromium(url: str, scene: Scene, profile: Path) -> Iterator[BrowserContext]:
    """Run Chromium as a phone in front of a scene, trusting a server's certificate.

    Raises:
        UnavailableError: playwright or Chromium is not on this computer.
    """
    try:
        from playwright.sync_api import Error, sync_playwright  # noqa: PLC0415
    except ImportError as error:
        raise UnavailableError("playwright is not installed.", "pip install playwright") from error
    found = next((path for name in _NAMES if (path := shutil.which(name))), None)
    if found is None and _MACOS.is_file():
        found = str(_MACOS)
    options: dict[str, Any] = {"viewport": {"width": 390, "height": 844}, "has_touch": True}
    camera = f"--use-file-for-fake-video-capture={scene.camera}"
    trust = f"--ignore-certificate-errors-spki-list={spki_of(url)}"
    with sync_playwright() as playwright:
        try:
            context = playwright.chromium.launch_persistent_context(
                str(profile), executable_path=found, headless=True, base_url=url,
                args=[*FLAGS, *CAMERA_FLAGS, camera, trust], **options,
            )  # fmt: skip
        except Error as error:
            raise UnavailableError(
                f"Chromium does not start: {str(error).splitlines()[0]}", "apt install chromium"
            ) from error
        context.set_default_timeout(60_000)
        try:
            yield context
        finally:
            context.close()
