r"""A microcontroller on USB that speaks lines: ``?`` -> ``RCG-LIGHT 1 8``, ``L3`` -> ``OK 3``.

``X`` (dark) -> ``OK X``, ``A`` (all) -> ``OK A``; anything else is answered ``ERR`` and why. Lines end with
``\n``, 115200 baud, 8N1. docs/lights.md has a sketch. Needs pyserial (extra ``serial``).
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import re
import time
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from rcg.capture.lights.driver import ALL, Ack, Light, LightError, LightInfo, check_light, ring_names

PROTOCOL = 1
BAUD = 115_200
PORT = r"^(/dev/(tty|cu\.|pts/|serial/)[A-Za-z0-9._:/-]*|COM\d{1,3})$"
_GREETING = re.compile(r"RCG-LIGHT (\d+) (\d+)")
_WRITE_S = 2.0
_GONE: tuple[type[Exception], ...] = (OSError,)  # SerialException is one
with contextlib.suppress(ImportError):  # not on Windows
    _GONE += (importlib.import_module("termios").error,)


class SerialConfig(BaseModel):
    """Where the microcontroller is."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    port: str = Field(
        pattern=PORT,
        max_length=200,
        title="Port",
        description="e.g. /dev/ttyACM0, /dev/cu.usbmodem1101 or COM3",
    )
    answer_s: float = Field(
        1, ge=0.05, le=10, title="Answer within, s", description="how long it may take to switch a light"
    )
    boot_s: float = Field(
        4, ge=0, le=20, title="Start within, s",
        description="opening the port restarts many boards; how long to go on asking",
    )  # fmt: skip


def missing() -> str | None:
    """Return what has to be installed, or None."""
    try:
        _pyserial()
    except LightError as error:
        return error.hint
    return None


def ports() -> list[tuple[str, str]]:
    """Return (port, what is on it) of every serial port of this computer; empty without pyserial."""
    if missing():
        return []
    found = importlib.import_module("serial.tools.list_ports").comports()
    said = ((str(port.device), str(port.description or "")) for port in found)
    return sorted((port, "" if says == "n/a" else says) for port, says in said)


class SerialDriver:
    """Speaks the protocol. Blocking calls run in a thread."""

    def __init__(self, config: SerialConfig, count: int) -> None:
        self._config = config
        self._names = ring_names(count)
        self._line: Any = None

    async def open(self) -> LightInfo:
        """Open the port, ask who is there, and switch everything off."""
        answered = await asyncio.to_thread(self._greet)
        await self.show(None)
        return LightInfo(self._names, None, None, answered)

    async def show(self, light: Light) -> Ack:
        """Send a line; its ``OK`` is the acknowledgement."""
        check_light(light, self._names)
        started = time.perf_counter()
        word = "X" if light is None else "A" if light == ALL else light
        sent = word if word in ("X", "A") else f"L{word}"
        got = await asyncio.to_thread(self._exchange, sent, self._config.answer_s)
        if got != f"OK {word}":
            raise self._wrong(sent, got)
        return Ack(light, 1000 * (time.perf_counter() - started))

    async def close(self) -> None:
        """Switch everything off and give the port back; a board cannot be asked what it showed before."""
        await asyncio.to_thread(self._leave)

    def _greet(self) -> str:
        self._line = self._opened()
        end = time.monotonic() + self._config.boot_s
        got = ""
        while True:
            try:
                got = self._exchange("?", min(1.0, self._config.answer_s)) or got
            except LightError as error:
                if error.code != "light_silent":
                    raise
            if found := _GREETING.search(got):
                break
            if time.monotonic() >= end:
                raise self._no_greeting(got)
        version, count = int(found[1]), int(found[2])
        if version != PROTOCOL:
            raise self._error(
                f"The board on {self._config.port} speaks protocol {version}; this RCG speaks {PROTOCOL}.",
                "Load the sketch of docs/lights.md onto it.", sent="?", got=got,
            )  # fmt: skip
        if count != len(self._names):
            raise self._error(
                f"The board on {self._config.port} has {count} lights and the rig {len(self._names)}.",
                f"Set the rig to {count} lights, or PINS in the sketch to {len(self._names)}.",
                sent="?", got=got,
            )  # fmt: skip
        return f"{found[0]} on {self._config.port}"

    def _opened(self) -> Any:
        serial = _pyserial()
        port = self._config.port
        try:
            line = serial.Serial(
                port, BAUD, timeout=self._config.answer_s, write_timeout=_WRITE_S, exclusive=True
            )
        except (serial.SerialException, OSError, ValueError) as error:
            said = str(error).lower()
            if "busy" in said or "lock" in said or "temporarily unavailable" in said:
                raise self._error(
                    f"The port {port} is in use by another program.",
                    "Close it there (a serial monitor, a slicer, another RCG) and try again.",
                    got=str(error),
                ) from error
            if "permission" in said or "denied" in said:
                raise self._error(
                    f"The port {port} may not be opened by this user.",
                    "On Linux: sudo usermod -aG dialout $USER, then sign in anew.", got=str(error),
                ) from error  # fmt: skip
            there = ", ".join(name for name, _ in ports()) or "none"
            raise self._error(
                f"There is nothing at the port {port}.",
                f"Plug the board in and choose its port. Ports of this computer: {there}.", got=str(error),
            ) from error  # fmt: skip
        return line

    def _exchange(self, sent: str, within_s: float) -> str:
        """Send a line and return the next one; what came unasked before is thrown away."""
        if self._line is None:
            raise self._error("The port is not open.", "Open it first.", sent=sent)
        try:
            self._line.reset_input_buffer()
            self._line.write(f"{sent}\n".encode())
            self._line.timeout = within_s
            raw = self._line.read_until(b"\n", 200)
        except _GONE as error:
            raise self._error(
                f"The board on {self._config.port} is gone.",
                "Plug it in again, then test the rig.", sent=sent, got=str(error),
            ) from error  # fmt: skip
        got = bytes(raw).decode("ascii", "replace").strip()
        if not raw.endswith(b"\n"):
            raise SilentError(
                f"The board on {self._config.port} did not answer within {within_s:g} s.",
                "See that it runs the sketch of docs/lights.md, and that the cable carries data.",
                device=f"serial:{self._config.port}", sent=sent, got=got,
            )  # fmt: skip
        return got

    def _leave(self) -> None:
        line, self._line = self._line, None
        if line is None:
            return
        with contextlib.suppress(*_GONE):  # unplugged: nothing can be switched off any more
            line.write(b"X\n")
            line.flush()
        with contextlib.suppress(*_GONE):
            line.close()

    def _no_greeting(self, got: str) -> LightError:
        if not got:
            return SilentError(
                f"Nobody answered on {self._config.port} within {self._config.boot_s:g} s.",
                "See that the board runs the sketch of docs/lights.md, and that this is its port.",
                device=f"serial:{self._config.port}", sent="?",
            )  # fmt: skip
        return self._error(
            f"What is on {self._config.port} is no RCG light: it answered {got[:60]!r}.",
            "Choose the light's port, or load the sketch of docs/lights.md onto the board.",
            sent="?", got=got,
        )  # fmt: skip

    def _wrong(self, sent: str, got: str) -> LightError:
        return self._error(
            f"The board on {self._config.port} answered {got[:60]!r} to {sent}.",
            "Restart the board; if it stays so, load the sketch of docs/lights.md onto it.",
            sent=sent, got=got,
        )  # fmt: skip

    def _error(self, detail: str, hint: str, **facts: str) -> LightError:
        return LightError(detail, hint, device=f"serial:{self._config.port}", **facts)


class SilentError(LightError):
    """The board did not answer in time."""

    code = "light_silent"
    status = 504


def _pyserial() -> Any:
    try:
        found = importlib.import_module("serial")
    except ImportError:
        found = None
    if not hasattr(found, "Serial"):
        raise LightError(
            "A rig on a serial port needs the package pyserial.",
            "Install it: pip install 'rcg[serial]' or pip install pyserial, then start RCG again.",
            device="serial",
        )
    return found
