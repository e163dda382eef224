"""``rcg import``: a folder of lit frames into the running server, and its grade."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

if TYPE_CHECKING:
    from rcg.capture.card_input import SideInput
    from rcg.client import Client


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("import")(import_folder)


def import_folder(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="As for rcg grade: frames of one side, or front/ and back/.")
    ],
    name: Annotated[str | None, typer.Option(help="The card's name. [default: as the files say]")] = None,
    set_name: Annotated[str, typer.Option("--set", help="The card's set.")] = "",
    lights: Annotated[Path | None, typer.Option(help="A .lp file or a rig in TOML.")] = None,
    elevation: Annotated[
        float | None, typer.Option(help="Assumed elevation of lights that are told by name, degrees.")
    ] = None,
    ring: Annotated[int | None, typer.Option(help="How many lights a numbered ring has.")] = None,
    size: Annotated[str | None, typer.Option(help="Card size in mm, WIDTHxHEIGHT.")] = None,
    side: Annotated[
        Literal["front", "back"], typer.Option(help="Which side a folder of one side shows.")
    ] = "front",
    capture: Annotated[str | None, typer.Option(help="Which of several captures in the folder.")] = None,
    wait: Annotated[bool, typer.Option(help="Wait for the grade and print it.")] = True,
) -> None:
    """Send a card's photographs to the running server and have it graded there."""
    from rcg.capture.folder import read_folder
    from rcg.cli.grade import parse_size
    from rcg.client import Client

    card = read_folder(
        folder, side=side, capture=capture, lights_file=lights, elevation_deg=elevation, ring=ring
    )
    body: dict[str, Any] = {"name": name or card.name or folder.resolve().name, "set_name": set_name}
    if size:
        body["width_mm"], body["height_mm"] = parse_size(size)
    for note in card.notes:
        sys.stderr.write(f"{note}\n")
    with Client() as client:
        hashes = {name: _upload(client, one) for name, one in card.sides.items()}
        # Only when every file is safely there does a card come into being.
        made = client.post("/cards", body)
        for side_name, one in card.sides.items():
            spec = None if one.lights is None else one.lights.model_dump()
            taken = client.post(f"/cards/{made['id']}/captures", {"side": side_name, "lights": spec})
            for position, frame in enumerate(one.frames):
                sha256 = hashes[side_name][position]
                client.put_frame(taken["id"], frame.light, sha256, frame.file_name, position)
        job = client.post(f"/cards/{made['id']}/grade")
        print(f"{made['name']}: {sum(len(one.frames) for one in card.sides.values())} frames at the server.")
        if wait:
            print_grade(client, job["id"])
        else:
            print(f"Grading is queued; watch it at {client.url}/jobs")


def _upload(client: Client, side: SideInput) -> list[str]:
    from rcg.capture.card_input import refuse_identical, sha256_of

    hashes = []
    for frame in side.frames:
        data = frame.read()
        hashes.append(sha256_of(data))
        client.put_blob(hashes[-1], data)
    refuse_identical([(frame.file_name, sha) for frame, sha in zip(side.frames, hashes, strict=True)])
    return hashes


def print_grade(client: Client, job_id: str) -> None:
    """Wait for a job that ends in a grade; print the grade in short and where its report is."""
    from rcg.capture.summary import summary
    from rcg.cli.grade import progress_line
    from rcg.grading.schema import GradeReport

    progress, clear = progress_line()
    try:
        result = client.wait(job_id, progress)["result"]
    finally:
        clear()
    if result["grade_id"] is None:
        print(result["note"])
        return
    print(summary(GradeReport.model_validate(client.get(f"/grades/{result['grade_id']}"))))
    print(f"\nReport: {client.url}/grade/reports/{result['grade_id']}")
