"""A WLED controller: each light is a segment of its strip; one call lights one segment and darkens the rest.

Calls and fields: the JSON API of WLED's documentation. Two calls at the start (who are you, what do you
show), one per light; the state that comes back with each is what acknowledges it.
"""

from __future__ import annotations

import asyncio
import ipaddress
import json
import socket
import time
from typing import Any

import httpx
from pydantic import BaseModel, ConfigDict, Field

from rcg.capture.lights.driver import ALL, Ack, Light, LightError, LightInfo, check_light, ring_names

_FAMILY = "Enter the address that the WLED app or your router shows, e.g. http://wled-ring.local or http://192.168.1.50."


class WledConfig(BaseModel):
    """Where the controller is, and which of its LEDs are which light.

    Attributes:
        url: of the controller.
        per_light: LEDs of each light, next to one another on the strip.
        first_led: the first LED of light 1, from 0.
        clockwise: the strip goes round the card clockwise as the camera sees it.
        white_die: RGBW strips: use the white LED alone, which has a smoother spectrum.
        brightness: of the lights; below 255 many strips flicker, which shows as bands.
        answer_s: how long the controller may take.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    url: str = Field(
        pattern=r"^https?://([A-Za-z0-9._-]+|\[[0-9A-Fa-f:]+\])(:\d{1,5})?/?$",
        max_length=200,
        title="Address",
        description="e.g. http://wled-ring.local or http://192.168.1.50",
    )
    per_light: int = Field(
        8, ge=1, le=500, title="LEDs per light", description="next to one another on the strip"
    )
    first_led: int = Field(0, ge=0, le=5000, title="First LED", description="of light 1, counted from 0")
    clockwise: bool = Field(
        True, title="Clockwise", description="the strip goes round the card clockwise as the camera sees it"
    )
    white_die: bool = Field(
        False, title="White LED alone", description="for RGBW strips: a smoother spectrum"
    )
    brightness: int = Field(
        255, ge=1, le=255, title="Brightness", description="full is best: dimming by pulses shows as bands"
    )
    answer_s: float = Field(3, ge=0.05, le=30, title="Answer within, s")


class WledDriver:
    """Speaks to the controller over HTTP."""

    def __init__(self, config: WledConfig, count: int) -> None:
        self._config = config
        self._names = ring_names(count)
        self._url = config.url.rstrip("/")
        self._http: httpx.AsyncClient | None = None
        self._before: dict[str, Any] | None = None

    async def open(self) -> LightInfo:
        """Ask the controller who it is, keep what it shows, cut the strip into the lights, dark."""
        await self._check_place()
        self._http = httpx.AsyncClient(
            base_url=self._url, timeout=self._config.answer_s, follow_redirects=False, trust_env=False
        )
        try:
            info = await self._call("GET", "/json/info")
            leds = self._check_info(info)
            before = await self._call("GET", "/json/state")
            self._segments_of(before, "GET /json/state")
            self._before = before
            await self._set_up()
        except BaseException:
            await self.close()
            raise
        answered = f"WLED {info.get('ver', '?')} ({info.get('name', '?')}), {leds['count']} LEDs"
        return LightInfo(self._names, None, None, answered, tuple(_notes(leds, self._config)))

    async def show(self, light: Light) -> Ack:
        """Name every segment in one call, and check the state that comes back."""
        check_light(light, self._names)
        started = time.perf_counter()
        wanted = {self._segment(name): light in (name, ALL) for name in self._names}
        body = {
            "tt": 0, "v": True, "udpn": {"nn": True},
            "seg": [{"id": number, "on": on} for number, on in sorted(wanted.items())],
        }  # fmt: skip
        state = await self._call("POST", "/json/state", body)
        segments = self._segments_of(state, json.dumps(body))
        on = {number: bool(state.get("on")) and bool(segments.get(number, {}).get("on")) for number in wanted}
        if on != wanted:
            raise self._error(
                f"The controller was told to show {_said(light)}, and says that it shows "
                f"{self._named(on)}.",
                "Something else drives it: stop other apps, presets and sync on it, then test the rig.",
                sent=json.dumps(body), got=json.dumps(state),
            )  # fmt: skip
        return Ack(light, 1000 * (time.perf_counter() - started))

    async def close(self) -> None:
        """Put back the state of before."""
        http, self._http = self._http, None
        before, self._before = self._before, None
        if http is None:
            return
        try:
            if before is not None:
                await http.post("/json/state", json=self._restoring(before))
                if before.get("pl", -1) > 0:  # a playlist cannot be set, but the preset that holds it can
                    await http.post("/json/state", json={"ps": before["pl"], "udpn": {"nn": True}})
        except httpx.HTTPError:
            pass  # the controller is gone; it starts with its own defaults when it comes back
        finally:
            await http.aclose()

    def _segment(self, name: str) -> int:
        return int(name) - 1

    def _span(self, name: str) -> tuple[int, int]:
        """First LED of a light, and the one after its last."""
        index, count = int(name) - 1, len(self._names)
        place = index if self._config.clockwise else (count - index) % count
        start = self._config.first_led + place * self._config.per_light
        return start, start + self._config.per_light

    async def _set_up(self) -> None:
        assert self._before is not None
        colour = [[0, 0, 0, 255]] if self._config.white_die else [[255, 255, 255]]
        plain = {"grp": 1, "spc": 0, "of": 0, "fx": 0, "pal": 0, "bri": 255, "frz": False}
        segments: list[dict[str, Any]] = []
        for name in self._names:
            start, stop = self._span(name)
            place = {"id": self._segment(name), "start": start, "stop": stop}
            segments.append({**place, **plain, "col": colour, "on": False})
        others = [number for number in self._segments_of(self._before, "") if number >= len(self._names)]
        segments += [{"id": number, "stop": 0} for number in others]
        body = {
            "on": True, "bri": self._config.brightness, "transition": 0, "v": True,
            "udpn": {"nn": True}, "nl": {"on": False}, "seg": segments,
        }  # fmt: skip
        state = await self._call("POST", "/json/state", body)
        found = self._segments_of(state, json.dumps(body))
        for name in self._names:
            segment = found.get(self._segment(name), {})
            if (segment.get("start"), segment.get("stop")) != self._span(name) or segment.get("on"):
                raise self._error(
                    f"The controller did not take light {name} as LEDs {self._span(name)[0]} to "
                    f"{self._span(name)[1] - 1}.",
                    "See its LED settings: length of the strip, and no 2D matrix or LED map.",
                    sent=json.dumps(body), got=json.dumps(segment),
                )  # fmt: skip

    def _restoring(self, before: dict[str, Any]) -> dict[str, Any]:
        segments = self._segments_of(before, "")
        new = [number for number in range(len(self._names)) if number not in segments]
        body: dict[str, Any] = {
            key: before[key] for key in ("on", "bri", "transition", "mainseg", "nl") if key in before
        }
        kept = [{**segment, "id": number} for number, segment in segments.items()]
        return {
            **body,
            "tt": 0,
            "udpn": {"nn": True},
            "seg": kept + [{"id": number, "stop": 0} for number in new],
        }

    def _check_info(self, info: dict[str, Any]) -> dict[str, Any]:
        leds = info.get("leds")
        if not isinstance(leds, dict) or not isinstance(leds.get("count"), int):
            raise self._error(
                f"What answers at {self._url} is no WLED controller.", _FAMILY, sent="GET /json/info",
                got=json.dumps(info),
            )  # fmt: skip
        needed = max(self._span(name)[1] for name in self._names)
        if needed > leds["count"]:
            raise self._error(
                f"The rig needs {needed} LEDs ({len(self._names)} lights of {self._config.per_light}, from "
                f"LED {self._config.first_led}); the controller has {leds['count']}.",
                "Correct the LEDs per light here, or the length of the strip in WLED's LED settings.",
                sent="GET /json/info", got=json.dumps(leds),
            )  # fmt: skip
        if leds.get("maxseg", len(self._names)) < len(self._names):
            raise self._error(
                f"The controller knows {leds['maxseg']} segments; the rig has {len(self._names)} lights.",
                "Use fewer lights, or a controller with more segments (an ESP32).", sent="GET /json/info",
                got=json.dumps(leds),
            )  # fmt: skip
        if info.get("live"):
            raise self._error(
                f"The controller is being driven by other software ({info.get('lm') or 'realtime data'}).",
                "Stop what sends to it (E1.31, DDP, Hyperion, LedFx), then test the rig.",
                sent="GET /json/info", got=f"live: true, {info.get('lip', '')}",
            )  # fmt: skip
        return leds

    def _segments_of(self, state: dict[str, Any], sent: str) -> dict[int, dict[str, Any]]:
        segments = state.get("seg")
        if not isinstance(segments, list) or not all(isinstance(item, dict) for item in segments):
            raise self._error(
                f"{self._url} answered without the state of its segments.", _FAMILY, sent=sent,
                got=json.dumps(state),
            )  # fmt: skip
        return {int(item.get("id", place)): item for place, item in enumerate(segments)}

    async def _check_place(self) -> None:
        """Refuse hosts of the internet: a rig stands in this network, and this server is nobody's proxy."""
        url = httpx.URL(self._url)
        try:
            found = await asyncio.get_running_loop().getaddrinfo(
                url.host, url.port or 80, type=socket.SOCK_STREAM
            )
        except OSError as error:
            raise self._error(
                f"There is no host {url.host!r} in this network.",
                f"{_FAMILY} Some networks do not know .local names: use the number then.", got=str(error),
            ) from error  # fmt: skip
        outside = [address[4][0] for address in found if not _is_near(str(address[4][0]))]
        if outside:
            raise self._error(
                f"{url.host} is not in your network ({outside[0]}).",
                f"A rig has a private address. {_FAMILY}",
            )

    async def _call(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        if self._http is None:
            raise self._error("The controller's connection is not open.", "Open it first.")
        sent = f"{method} {path}" + (f" {json.dumps(body)}" if body else "")
        try:
            response = await self._http.request(method, path, json=body)
        except httpx.TimeoutException as error:
            raise self._error(
                f"The controller at {self._url} did not answer within {self._config.answer_s:g} s.",
                "See that it has power and good Wi-Fi; ping it, restart it, or allow it more time.",
                sent=sent,
            ) from error  # fmt: skip
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise self._error(
                f"The controller at {self._url} cannot be reached.",
                f"See that it has power and is in this network. {_FAMILY}", sent=sent, got=str(error),
            ) from error  # fmt: skip
        try:
            answer = response.json() if response.is_success else None
        except ValueError:
            answer = None
        if not isinstance(answer, dict):
            raise self._error(
                f"What answers at {self._url}{path} is no WLED controller (HTTP {response.status_code}).",
                _FAMILY, sent=sent, got=response.text,
            )  # fmt: skip
        return answer

    def _named(self, on: dict[int, bool]) -> str:
        names = [name for name in self._names if on[self._segment(name)]]
        return f"light {', '.join(names)}" if names else "no light"

    def _error(self, detail: str, hint: str, **facts: str) -> LightError:
        return LightError(detail, hint, device=f"wled:{self._url}", **facts)


def _said(light: Light) -> str:
    return "no light" if light is None else "every light" if light == ALL else f"light {light}"


def _is_near(address: str) -> bool:
    ip = ipaddress.ip_address(address.partition("%")[0])
    return ip.is_private or ip.is_loopback or ip.is_link_local or ip in ipaddress.ip_network("100.64.0.0/10")


def _notes(leds: dict[str, Any], config: WledConfig) -> list[str]:
    notes = []
    if leds.get("maxpwr"):
        notes.append(
            f"WLED's brightness limiter is on ({leds['maxpwr']} mA): it may dim lights unequally. Raise it "
            "to what the power supply gives, or switch it off, in WLED's LED settings."
        )
    if config.brightness < 255:
        notes.append(f"Brightness {config.brightness} of 255 is made by pulses, which can show as bands.")
    if config.white_die and not (leds.get("rgbw") or leds.get("wv") or int(leds.get("lc") or 0) & 2):
        notes.append("The strip says that it has no white LED: light by the white LED alone stays dark.")
    return notes
