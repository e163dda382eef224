"""``rcg capture``: frames of a folder that another program fills, with or without a running server."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal
from urllib.parse import quote

import typer

if TYPE_CHECKING:
    from rcg.cli.backend import Backend

_LOOK_S = 0.4
_BUSY = (429, 503, 507)
_SIDES = {"front": ["front"], "back": ["back"], "both": ["front", "back"]}


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    group = typer.Typer(no_args_is_help=True, help="Captures without the phone.")
    group.command("watch")(watch)
    app.add_typer(group, name="capture")


def watch(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="That the camera's program saves into; nothing is removed.")
    ],
    card: Annotated[
        str | None, typer.Option(help="Name or id of the card; a new one unless it is here.")
    ] = None,
    side: Annotated[Literal["front", "back", "both"], typer.Option(help="Which sides.")] = "front",
    rig: Annotated[
        str | None, typer.Option(help="Name or id of the lights. [default: the default rig]")
    ] = None,
    ambient: Annotated[bool, typer.Option(help="The first frame of a side is one without light.")] = True,
    existing: Annotated[bool, typer.Option(help="Take files that lie there already, too.")] = False,
    session: Annotated[str | None, typer.Option(help="Go on with a session that was begun.")] = None,
    wait: Annotated[bool, typer.Option(help="Wait for the grade and print it.")] = True,
) -> None:
    """Take the photographs that arrive in a folder as a card's frames, in the order of the lights."""
    from rcg.capture.watch import Watch
    from rcg.cli.backend import open_backend

    with open_backend() as backend:
        taker = _Taker(backend, session or _begun(backend, card, side, rig, ambient))
        looker = Watch(folder.expanduser().resolve(), taker, existing=existing)
        lying = looker.begin()
        if lying:
            print(
                f"{lying} file{'s' if lying > 1 else ''} lay there before and will not be taken (--existing)."
            )
        try:
            done = _follow(looker, taker)
        except KeyboardInterrupt:
            sys.stderr.write(
                f"\nStopped; the frames that were taken stay. Go on: rcg capture watch {folder} "
                f"--session {taker.id}\n"
            )
            raise typer.Exit(130) from None
        _graded(backend, done, wait=wait)


class _Taker:
    """A session that is asked over REST."""

    def __init__(self, backend: Backend, session_id: str) -> None:
        self.id = session_id
        self._backend = backend
        self._path = f"/capture/sessions/{quote(session_id, safe='')}"
        self.session: dict[str, Any] = backend.get(self._path)
        self._lit: tuple[str, str] | None = None

    def wanted(self) -> str | None:
        missing = self.session["missing"]
        return str(missing[0]) if missing else None

    def take(self, light: str, data: bytes, sha256: str, taken_at: int) -> None:
        from rcg.client import AnswerError
        from rcg.errors import UnavailableError

        body = {"sha256": sha256, "side": self.session["side"], "mode": "folder", "taken_at": taken_at}
        try:
            self._backend.put_blob(sha256, data)
            self.session = self._backend.put(f"{self._path}/frames/{light}", body)["session"]
        except AnswerError as error:
            if error.answer_status in _BUSY:
                raise UnavailableError(error.detail, error.hint) from error
            raise

    def look_again(self) -> None:
        self.session = self._backend.get(self._path)

    def light(self) -> str | None:
        """Have the next light on; return what to say of it, once for each."""
        from rcg.capture.lights.told import words

        wanted = self.wanted()
        rig, side = self.session["rig"], self.session["side"]
        if wanted is None or self._lit == (side, wanted):
            return None
        self._lit = (side, wanted)
        dark = wanted == "ambient"
        if rig is None or rig["acknowledged_by"] == "person":
            count = len([name for name in self.session["wanted"] if name != "ambient"])
            return f"{words(None if dark else wanted, count)} Then release the shutter."
        self._backend.post(f"{self._path}/light", {"light": wanted})
        return f"{'No light is' if dark else f'Light {wanted} is'} on: release the shutter."

    def turn(self) -> None:
        self.session = self._backend.post(f"{self._path}/side")


def _begun(backend: Backend, card: str | None, side: str, rig: str | None, ambient: bool) -> str:
    body: dict[str, Any] = {"rig": rig, "sides": _SIDES[side], "ambient": ambient}
    if card:
        here = [
            one
            for one in backend.get("/cards", q=card, limit=200)["items"]
            if card in (one["id"], one["name"])
        ]
        body |= {"card_id": here[0]["id"]} if here else {"card": {"name": card}}
    made = backend.post("/capture/sessions", body)
    print(f"{made['card']['name']}: {len(made['wanted'])} frames of the {' and the '.join(made['sides'])}.")
    return str(made["id"])


def _follow(looker: Any, taker: _Taker) -> dict[str, Any]:
    """Look until every frame is there; return the session."""
    told = ""
    while True:
        if taker.session["state"] in ("complete", "cancelled"):
            return taker.session
        if not taker.session["missing"]:
            _turn(taker)
            continue
        said = taker.light()
        if said:
            print(said, flush=True)
        for note in looker.look(time.monotonic()):
            became = (
                f"light {note.light}" if note.light not in (None, "ambient") else "the frame without light"
            )
            print(f"  {note.file_name}: {became if note.light else f'left aside. {note.words}'}", flush=True)
        if looker.problem and looker.problem != told:
            sys.stderr.write(f"{looker.problem}\n")
        told = looker.problem
        time.sleep(_LOOK_S)


def _turn(taker: _Taker) -> None:
    side = taker.session["next_side"]
    if sys.stdin.isatty():
        input(f"Turn the card over: the {side} comes now. Enter when it lies there. ")
    else:
        print(f"The {side} comes now.", flush=True)
    taker.turn()


def _graded(backend: Backend, session: dict[str, Any], *, wait: bool) -> None:
    from rcg.cli.importer import print_grade
    from rcg.errors import ConflictError

    if session["state"] == "cancelled":
        raise ConflictError("The session was cancelled.", "Begin again.")
    if session["problem"]:
        raise ConflictError(session["problem"]["detail"], session["problem"]["hint"])
    print("Every frame is there; the grading has begun.")
    if wait and session["job_id"]:
        print_grade(backend, session["job_id"])
