"""Lights without a device: the frame under light k becomes what a browser's file-backed camera sees."""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from rcg.capture.lights import y4m
from rcg.capture.lights.driver import ALL, Ack, Light, LightError, LightInfo, check_light, ring_names
from rcg.errors import InputError

CAMERA = "camera.y4m"
DARK = "ambient"
_HINT = (
    "Put 1.y4m to N.y4m and ambient.y4m, of one size, into it; Chromium reads camera.y4m with "
    "--use-file-for-fake-video-capture."
)


class SimConfig(BaseModel):
    """A folder of the data folder's ``sim/``, by name: no path comes from a client.

    Attributes:
        scene: the folder; it holds ``1.y4m`` ... ``N.y4m``, ``ambient.y4m`` and, if wanted, ``all.y4m``;
            ``camera.y4m`` beside them is what the browser reads.
        delay_ms: how long the pretended device takes to answer.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    scene: str = Field("card", pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$", title="Scene")
    delay_ms: float = Field(0, ge=0, le=10_000, title="Delay of the answer, ms")


class SimDriver:
    """Writes frames into the camera's file.

    Args:
        config: the scene.
        root: folder of all scenes.
        count: how many lights there are.
        frames: I420 bytes by light, in place of the folder's files; all of the camera file's size.
    """

    def __init__(
        self, config: SimConfig, root: Path, count: int, frames: Mapping[str, bytes] | None = None
    ) -> None:
        self._config = config
        self._folder = root / config.scene
        self._names = ring_names(count)
        self._frames: dict[str, bytes] = dict(frames or {})
        self._camera: int | None = None
        self._offset = 0
        self._before = b""

    async def open(self) -> LightInfo:
        """Read the frames and show the dark one."""
        size = await asyncio.to_thread(self._load)
        await self.show(None)
        whole = ALL in self._frames or (self._folder / f"{ALL}.y4m").is_file()
        notes = () if whole else ("There is no all.y4m: 'all' shows the mean of the frames.",)
        return LightInfo(
            self._names, None, None, f"scene {self._config.scene}, {size[0]} x {size[1]} px", notes
        )

    async def show(self, light: Light) -> Ack:
        """Overwrite the camera's frame."""
        check_light(light, self._names)
        started = time.perf_counter()
        if self._config.delay_ms:
            await asyncio.sleep(self._config.delay_ms / 1000)
        await asyncio.to_thread(self._put, light)
        return Ack(light, 1000 * (time.perf_counter() - started))

    async def close(self) -> None:
        """Show what the camera saw before."""
        camera, self._camera = self._camera, None
        if camera is not None:
            with contextlib.suppress(OSError):  # the disk is full or gone
                os.pwrite(camera, self._before, self._offset)
            os.close(camera)

    def _load(self) -> tuple[int, int]:
        camera = self._folder / CAMERA
        try:
            sizes = {name: len(self._frame(name)) for name in (*self._names, DARK)}
            if not camera.is_file():
                dark = y4m.read(self._folder / f"{DARK}.y4m")
                y4m.write(camera, dark.width, dark.height, dark.planes)
            shown = y4m.read(camera)
        except (OSError, InputError) as error:
            detail = error.detail if isinstance(error, InputError) else f"{error.strerror}: {error.filename}"
            raise self._error(f"The simulated rig's scene cannot be read: {detail}", _HINT) from error
        wrong = [name for name, size in sizes.items() if size != len(shown.planes)]
        if wrong:
            raise self._error(
                f"Frame {wrong[0]} of the scene {self._config.scene!r} has another size than camera.y4m.",
                "Write all frames at one size, and camera.y4m with them.",
            )
        self._before, self._offset = shown.planes, shown.offset
        self._camera = os.open(camera, os.O_RDWR)
        return shown.width, shown.height

    def _put(self, light: Light) -> None:
        try:
            planes = self._mean() if light == ALL else self._frame(DARK if light is None else light)
        except (OSError, InputError) as error:
            raise self._error(f"The frame of light {light} is gone: {error}", _HINT) from error
        if len(planes) != len(self._before):
            raise self._error(f"The frame of light {light} has another size than camera.y4m.", _HINT)
        self._write(planes)

    def _frame(self, name: str) -> bytes:
        # Read each time, from the system's cache: eight frames of 12 MP would fill 140 MB.
        return self._frames.get(name) or y4m.read(self._folder / f"{name}.y4m").planes

    def _mean(self) -> bytes:
        if ALL in self._frames or (self._folder / f"{ALL}.y4m").is_file():
            return self._frame(ALL)
        import numpy as np  # noqa: PLC0415

        total = np.zeros(len(self._before), np.uint16)
        for name in self._names:
            total += np.frombuffer(self._frame(name), np.uint8)
        return ((total + len(self._names) // 2) // len(self._names)).astype(np.uint8).tobytes()

    def _write(self, planes: bytes) -> None:
        if self._camera is None:
            raise self._error("The simulated rig is not open.", "Open it first.")
        try:
            os.pwrite(self._camera, planes, self._offset)
        except OSError as error:
            raise self._error(f"The camera's file cannot be written: {error.strerror}.", _HINT) from error

    def _error(self, detail: str, hint: str) -> LightError:
        return LightError(detail, hint, device=f"sim:{self._config.scene}")
