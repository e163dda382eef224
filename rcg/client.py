"""The running server's REST API, as the command line uses it: signed in by the data folder's own token."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

import httpx

from rcg.errors import RcgError, UnavailableError
from rcg.server import local_client
from rcg.settings import Settings
from rcg.settings_sources import load

_POLL_S = 0.5
_UPLOAD_TIMEOUT_S = 300.0


class AnswerError(RcgError):
    """The server refused; detail and hint are its own words."""

    def __init__(self, detail: str, hint: str, code: str, status: int, **data: Any) -> None:
        super().__init__(detail, hint, **data)
        self.answer_code = code
        self.answer_status = status

    def as_json(self) -> dict[str, Any]:
        """Return the server's error as it came."""
        return super().as_json() | {"error": self.answer_code}


class Client:
    """A signed-in client; use it with ``with``.

    Args:
        settings: loaded when None.
        http: what carries the requests; None: a connection to the running server.

    Attributes:
        url: the server's address; empty where there is none (see :mod:`rcg.cli.backend`).

    Raises:
        UnavailableError: no server has been started on this data folder.
    """

    def __init__(self, settings: Settings | None = None, http: httpx.Client | None = None) -> None:
        self.settings = settings or load()
        self.url = "" if http else local_client.read(self.settings.data_dir).url
        self._http = http or local_client.client(self.settings, timeout_s=_UPLOAD_TIMEOUT_S)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()

    def get(self, path: str, **query: Any) -> Any:
        """GET a JSON answer below ``/api``; a query value of None is left out."""
        return self._answer("GET", path, params=_given(query)).json()

    def post(self, path: str, body: Any = None) -> Any:
        """POST a JSON body below ``/api``."""
        return self._answer("POST", path, json={} if body is None else body).json()

    def put(self, path: str, body: Any) -> Any:
        """PUT a JSON body below ``/api``."""
        return self._answer("PUT", path, json=body).json()

    def patch(self, path: str, body: Any) -> Any:
        """PATCH with a JSON body below ``/api``."""
        return self._answer("PATCH", path, json=body).json()

    def delete(self, path: str) -> None:
        """DELETE what is at a path below ``/api``."""
        self._answer("DELETE", path)

    def remove(self, path: str) -> Any:
        """DELETE what is at a path below ``/api``, where the answer says what became of it."""
        return self._answer("DELETE", path).json()

    def upload(
        self,
        path: str,
        files: Sequence[tuple[str, Path]],
        fields: Mapping[str, str] | None = None,
        *,
        field: str = "files",
    ) -> Any:
        """POST a multipart form below ``/api``; the files flow from the disk, none is held whole in memory.

        Args:
            path: where to.
            files: the name each file shall have there (``/`` for sub-folders), and where it lies.
            fields: further fields of the form.
            field: name of the form's field that holds the files.
        """
        with ExitStack() as open_files:
            parts = [(field, (name, open_files.enter_context(place.open("rb")))) for name, place in files]
            return self._answer("POST", path, data=dict(fields or {}), files=parts).json()

    def download(self, path: str, target: Path) -> Path:
        """GET a file below ``/api`` into ``target``; it is there whole or not at all."""
        part = target.with_name(f".{target.name}.part")
        try:
            with self._stream(path) as response, part.open("wb") as out:
                for chunk in response.iter_bytes():
                    out.write(chunk)
            part.replace(target)
        except OSError as error:
            raise UnavailableError(
                f"{target} cannot be written: {error.strerror or error}.",
                "Choose another place, or make room.",
            ) from error
        finally:
            part.unlink(missing_ok=True)
        return target

    def put_blob(self, sha256: str, data: bytes) -> bool:
        """Upload a file under its hash unless it is there; return whether it had to be sent."""
        if self._request("HEAD", f"/blobs/{sha256}").status_code == httpx.codes.OK:
            return False
        self._answer("PUT", f"/blobs/{sha256}", content=data)
        return True

    def put_frame(self, capture_id: str, light: str, sha256: str, file_name: str, position: int) -> None:
        """Make an uploaded file the frame of a light."""
        body = {"sha256": sha256, "file_name": file_name, "position": position}
        self._answer("PUT", f"/captures/{capture_id}/frames/{quote(light, safe='')}", json=body)

    def wait(self, job_id: str, progress: Callable[[float, str], None] | None = None) -> dict[str, Any]:
        """Wait until a job has ended, and return it.

        Raises:
            AnswerError: it failed, was cancelled, or is dead; with the job's own words.
        """
        while True:
            job: dict[str, Any] = self.get(f"/jobs/{job_id}")
            if job["state"] == "done":
                return job
            if job["state"] not in ("queued", "running"):
                raise _of_job(job)
            if progress:
                progress(job["progress"], job["message"] or job["state"])
            time.sleep(_POLL_S)

    @contextmanager
    def _stream(self, path: str) -> Iterator[httpx.Response]:
        with self._reached("GET", path), self._http.stream("GET", f"/api{path}") as response:
            if response.is_error:
                response.read()
                raise _of_response(response)
            yield response

    def _answer(self, method: str, path: str, **kwargs: Any) -> httpx.Response:
        response = self._request(method, path, **kwargs)
        if response.is_error:
            raise _of_response(response)
        return response

    def _request(self, method: str, path: str, **kwargs: Any) -> httpx.Response:
        with self._reached(method, path):
            return self._http.request(method, f"/api{path}", **kwargs)

    @contextmanager
    def _reached(self, method: str, path: str) -> Iterator[None]:
        """Say in RCG's words that there was no answer."""
        try:
            yield
        except httpx.ConnectError as error:
            raise local_client.not_running(self.settings, error) from error
        except httpx.HTTPError as error:
            raise UnavailableError(
                f"The server at {self.url} did not answer {method} /api{path}: {error!r}.",
                "See logs/rcg.log; then try again.",
            ) from error


def _given(query: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in query.items() if value is not None}


def _of_response(response: httpx.Response) -> AnswerError:
    try:
        body = response.json()
        detail, hint, code = str(body["detail"]), str(body["hint"]), str(body["error"])
        data = body.get("data") or {}
    except (ValueError, KeyError, TypeError):
        detail, hint, code, data = (
            f"The server answered {response.status_code}.",
            "See logs/rcg.log.",
            "error",
            {},
        )
    return AnswerError(detail, hint, code, response.status_code, **data)


def _of_job(job: dict[str, Any]) -> AnswerError:
    error = job["error"] or {}
    detail = error.get("detail") or f"The job {job['title']!r} is {job['state']}."
    hint = error.get("hint") or f"Its log: GET /api/jobs/{job['id']}/log"
    return AnswerError(detail, hint, error.get("error", job["state"]), httpx.codes.OK)
