"""Lights without a device: the frame under light k becomes what a browser's file-backed camera sees."""

from __future__ import annotations

import asyncio
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
        notes = () if ALL in self._frames else ("There is no all.y4m: 'all' shows the mean of the frames.",)
        return LightInfo(
            self._names, None, None, f"scene {self._config.scene}, {size[0]} x {size[1]} px", notes
        )

    async def show(self, light: Light) -> Ack:
        """Overwrite the camera's frame."""
        check_light(light, self._names)
        started = time.perf_counter()
        if self._config.delay_ms:
            await asyncio.sleep(self._config.delay_ms / 1000)
        self._write(self._planes(light))
        return Ack(light, 1000 * (time.perf_counter() - started))

    async def close(self) -> None:
        """Show what the camera saw before."""
        if self._camera is not None:
            self._write(self._before)
            os.close(self._camera)
            self._camera = None

    def _load(self) -> tuple[int, int]:
        camera = self._folder / CAMERA
        try:
            for name in (*self._names, DARK, ALL):
                file = self._folder / f"{name}.y4m"
                if name not in self._frames and (file.is_file() or name != ALL):
                    self._frames[name] = y4m.read(file).planes
            if not camera.is_file():
                dark = y4m.read(self._folder / f"{DARK}.y4m")
                y4m.write(camera, dark.width, dark.height, dark.planes)
            shown = y4m.read(camera)
        except (OSError, InputError) as error:
            detail = error.detail if isinstance(error, InputError) else f"{error.strerror}: {error.filename}"
            raise self._error(f"The simulated rig's scene cannot be read: {detail}", _HINT) from error
        wrong = [name for name, planes in self._frames.items() if len(planes) != len(shown.planes)]
        if wrong:
            raise self._error(
                f"Frame {wrong[0]} of the scene {self._config.scene!r} has another size than camera.y4m.",
                "Write all frames at one size, and camera.y4m with them.",
            )
        self._before, self._offset = shown.planes, shown.offset
        self._camera = os.open(camera, os.O_RDWR)
        return shown.width, shown.height

    def _planes(self, light: Light) -> bytes:
        if light == ALL and ALL not in self._frames:
            import numpy as np  # noqa: PLC0415

            stack = [np.frombuffer(self._frames[name], np.uint8).astype(np.float32) for name in self._names]
            self._frames[ALL] = np.mean(stack, axis=0).round().astype(np.uint8).tobytes()
        return self._frames[DARK if light is None else light]

    def _write(self, planes: bytes) -> None:
        if self._camera is None:
            raise self._error("The simulated rig is not open.", "Open it first.")
        try:
            os.pwrite(self._camera, planes, self._offset)
        except OSError as error:
            raise self._error(f"The camera's file cannot be written: {error.strerror}.", _HINT) from error

    def _error(self, detail: str, hint: str) -> LightError:
        return LightError(detail, hint, device=f"sim:{self._config.scene}")
