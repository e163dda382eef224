"""The running server's REST API, as the command line uses it: signed in by the data folder's own token."""

from __future__ import annotations

import time
from collections.abc import Callable
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

    Raises:
        UnavailableError: no server has been started on this data folder.
    """

    def __init__(self, settings: Settings | None = None) -> None:
        self.settings = settings or load()
        self.url = local_client.read(self.settings.data_dir).url
        self._http = local_client.client(self.settings, timeout_s=_UPLOAD_TIMEOUT_S)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()

    def get(self, path: str) -> Any:
        """GET a JSON answer below ``/api``."""
        return self._answer("GET", path).json()

    def post(self, path: str, body: Any = None) -> Any:
        """POST a JSON body below ``/api``."""
        return self._answer("POST", path, json={} if body is None else body).json()

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

    def _answer(self, method: str, path: str, **kwargs: Any) -> httpx.Response:
        response = self._request(method, path, **kwargs)
        if response.is_error:
            raise _of_response(response)
        return response

    def _request(self, method: str, path: str, **kwargs: Any) -> httpx.Response:
        try:
            return self._http.request(method, f"/api{path}", **kwargs)
        except httpx.ConnectError as error:
            raise local_client.not_running(self.settings, error) from error
        except httpx.HTTPError as error:
            raise UnavailableError(
                f"The server at {self.url} did not answer {method} /api{path}: {error!r}.",
                "See logs/rcg.log; then try again.",
            ) from error


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
