"""``rcg rig``: the lights round the card, with or without a running server."""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import quote

import typer

if TYPE_CHECKING:
    from rcg.cli.backend import Backend

Rig = Annotated[str, typer.Argument(metavar="NAME", help="Name or id of the rig.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for a script.")]
_LOOK_S = 0.1


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    group = typer.Typer(no_args_is_help=True, help="Rigs: the lights round the card.")
    for name, command in (("list", list_rigs), ("create", create), ("light", light), ("test", measure)):
        group.command(name)(command)
    app.add_typer(group, name="rig")


def list_rigs(
    drivers: Annotated[bool, typer.Option("--drivers", help="List the ways to switch lights.")] = False,
    as_json: AsJson = False,
) -> None:
    """List rigs, the default first."""
    with _backend() as backend:
        found = backend.get("/rigs/drivers" if drivers else "/rigs")
    if as_json:
        print(json.dumps(found if drivers else found["items"], indent=2))
    elif drivers:
        print("\n".join(line for one in found["items"] for line in _driver(one)))
        print("".join(f"\nport {one['port']}  {one['says']}" for one in found["ports"]).lstrip("\n"))
    elif found["items"]:
        print("\n".join(_row(one) for one in found["items"]))
    else:
        print("There are no rigs; make one: rcg rig create NAME --driver manual (rcg rig list --drivers)")


def create(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Of the new rig.")],
    driver: Annotated[str, typer.Option(help="manual, screen, wled, serial or sim.")] = "manual",
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="KEY=VALUE", help="A setting of the driver, e.g. url=http://wled.local"
        ),
    ] = None,
    lights: Annotated[int, typer.Option(min=4, max=16, help="How many.")] = 8,
    radius: Annotated[
        float | None, typer.Option(help="Of the ring, mm: from the card's centre, seen from above.")
    ] = None,
    height: Annotated[float | None, typer.Option(help="Of the lights above the card, mm.")] = None,
    elevation: Annotated[
        float | None, typer.Option(help="Of the lights, degrees, instead of height.")
    ] = None,
    positions: Annotated[
        Path | None, typer.Option(help="A text file: x y z in mm per line, light 1 first.", dir_okay=False)
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Make a rig. Without radius or positions relief stays uncalibrated."""
    body = {
        "name": name, "driver": driver, "config": dict(map(_setting, settings or [])),
        "lights": _places(lights, radius, height, elevation, positions),
    }  # fmt: skip
    with _backend() as backend:
        made = backend.post("/rigs", body)
        place = backend.page(f"/capture/rigs/{made['id']}")
    print(json.dumps(made, indent=2) if as_json else f"{_row(made)}\n{place}")


def light(
    name: Rig,
    which: Annotated[str, typer.Argument(metavar="LIGHT", help="1, 2, ... or all or off.")],
    as_json: AsJson = False,
) -> None:
    """Have one light on and no other. By hand: you are told where to hold the lamp, and press Enter."""
    with _backend() as backend:
        rig = backend.get(_path(name))
        body = {"light": None if which in {"off", "none", "dark"} else which}
        if rig["driver"] == "manual":
            ack = _by_hand(backend, rig, body)
        else:
            ack = backend.post(f"{_path(name)}/light", body)
        sys.stdout.write((json.dumps(ack, indent=2) if as_json else _lit(which, ack)) + "\n")
        if backend.here and body["light"] is not None and rig["driver"] != "manual":
            # The device goes back to what it was with this process.
            input("No server runs, so the light goes out with this command. Enter ends it. ")


def measure(name: Rig, as_json: AsJson = False) -> None:
    """Switch every light once and measure how long each takes to be acknowledged."""
    with _backend() as backend:
        rig = backend.get(_path(name))
        if rig["driver"] == "manual":
            _by_hand(backend, rig, {"light": "1"})
            print("By hand: the lamp is where you hold it. There is nothing to measure from this computer.")
            return
        result = backend.post(f"{_path(name)}/test", {})
    if as_json:
        print(json.dumps(result, indent=2))
        return
    print(f"{name}: {result['answered']}")
    for one in result["lights"]:
        print(f"  light {one['light']:>2}  {one['took_ms']:7.1f} ms")
    print(f"  median {result['median_ms']:.1f} ms, 95th percentile {result['p95_ms']:.1f} ms")
    print("\n".join([*result["notes"], result["says"]]))


def _by_hand(backend: Backend, rig: Mapping[str, Any], body: dict[str, Any]) -> Any:
    """Ask for a light and be the person who is told: Enter is the tap."""
    answer: dict[str, Any] = {}

    def ask() -> None:
        try:
            answer["ack"] = backend.post(f"{_path(rig['id'])}/light", body)
        except Exception as error:  # noqa: BLE001 - raised again below, in the command's own thread
            answer["error"] = error

    call = threading.Thread(target=ask, daemon=True)
    call.start()
    while call.is_alive():
        asked = backend.get(f"{_path(rig['id'])}/light")["pending"]
        if asked:
            input(f"{asked['words']} Enter when it is done. ")
            backend.post(f"{_path(rig['id'])}/ack", {"seq": asked["seq"]})
            call.join()
        time.sleep(_LOOK_S)
    if "error" in answer:
        raise answer["error"]
    return answer["ack"]


def _setting(text: str) -> tuple[str, Any]:
    from rcg.errors import InputError

    key, equals, value = text.partition("=")
    if not equals or not key:
        raise InputError(f"--set {text!r} is no setting.", "Write KEY=VALUE, e.g. --set per_light=8.")
    try:
        return key, json.loads(value)
    except ValueError:  # a bare word is text
        return key, value


def _places(
    lights: int, radius: float | None, height: float | None, elevation: float | None, positions: Path | None
) -> dict[str, Any]:
    from rcg.errors import InputError

    if positions is not None:
        try:
            rows = [
                [float(part) for part in line.replace(",", " ").split()]
                for line in positions.read_text("utf-8").splitlines()
                if line.strip() and not line.lstrip().startswith("#")
            ]
        except (OSError, ValueError) as error:
            raise InputError(
                f"{positions} cannot be read: {error}.", "Write x y z per line, in mm."
            ) from error
        return {"kind": "positions", "positions_mm": rows}
    if radius is not None:
        return {
            "kind": "ring", "count": lights, "radius_mm": radius,
            "height_mm": height, "elevation_deg": elevation,
        }  # fmt: skip
    if height is not None:
        raise InputError("A height says nothing without a radius.", "Add --radius.")
    return {"kind": "named", "count": lights} | ({"elevation_deg": elevation} if elevation else {})


def _row(rig: Mapping[str, Any]) -> str:
    wait = f"{rig['wait_ms']:.0f} ms after each light"
    state = "default" if rig["is_default"] else ""
    places = "places known" if rig["calibrated"] else "relief uncalibrated"
    measured = "measured" if rig["settle_ms"] is not None else "not measured"
    lights = f"{len(rig['names'])} lights"
    return f"{rig['name']:24} {rig['driver']:8} {lights:10} {places:20} {wait} ({measured}) {state}".rstrip()


def _driver(one: Mapping[str, Any]) -> list[str]:
    lines = [f"{one['name']:8} {one['says']}", f"         {one['needs']}"]
    if one["missing"]:
        lines.append(f"         missing: {one['missing']}")
    needed = one["config"].get("required", [])
    for key, field in one["config"].get("properties", {}).items():
        default = "needed" if key in needed else f"default {json.dumps(field.get('default'))}"
        lines.append(
            f"         --set {key}=...  {field.get('description') or field.get('title')} ({default})"
        )
    return lines


def _lit(which: str, ack: Mapping[str, Any]) -> str:
    return (
        f"{which}: acknowledged after {ack['took_ms']:.1f} ms; a camera waits {ack['wait_ms']:.0f} ms more."
    )


def _path(name: str) -> str:
    return f"/rigs/{quote(name, safe='')}"


def _backend() -> Any:
    from rcg.cli.backend import open_backend

    return open_backend()
