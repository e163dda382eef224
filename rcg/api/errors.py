"""Every error of every app in one JSON form: ``{"error", "detail", "hint"}``, and ``data`` for more."""

from __future__ import annotations

import json
import logging
import secrets
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.routing import Match
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rcg.errors import InputError, NotFoundError, RcgError, TooLargeError, UnavailableError
from rcg.jobs.faults import is_disk_full

ErrorPage = Callable[[Request, RcgError], Response | None]
"""makes a page of an error for people, or returns None to answer in JSON"""

Model = TypeVar("Model", bound=BaseModel)
_log = logging.getLogger(__name__)


class HttpError(RcgError):
    """An error of HTTP itself: no such path, a method that is not known there, a body that is no JSON."""

    def __init__(self, status: int, code: str, detail: str, hint: str = "", **data: Any) -> None:
        super().__init__(detail, hint, **data)
        self.status = status  # type: ignore[misc]  # this one class speaks for all of HTTP
        self.code = code  # type: ignore[misc]


class InternalError(RcgError):
    """Something RCG did not foresee. What it was stands in the log under the reference."""


def json_error(error: RcgError, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """Render an error."""
    response = JSONResponse(error.as_json(), error.status, headers=dict(headers) if headers else None)
    response.headers["cache-control"] = "no-store"
    if error.status == 401:
        response.headers["www-authenticate"] = 'Bearer realm="RCG"'
    if "retry_after_s" in error.data:
        response.headers["retry-after"] = str(error.data["retry_after_s"])
    return response


def install_errors(app: FastAPI, error_page: ErrorPage | None = None) -> None:
    """Give an app the one form of error; call it on the root; ``make_subapp`` does for mounts.

    Args:
        app: the app; call this after its other middleware is added, so that it is the outermost.
        error_page: for apps with pages.
    """

    def answer(request: Request, error: RcgError, headers: Mapping[str, str] | None = None) -> Response:
        page = error_page(request, error) if error_page else None
        return page if page is not None else json_error(error, headers)

    def on_rcg_error(request: Request, error: Exception) -> Response:
        assert isinstance(error, RcgError)
        return answer(request, error)

    def on_http_error(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        headers = dict(error.headers or {})
        if error.status_code == 405 and (methods := _methods(request)):
            headers["Allow"] = ", ".join(methods)
        return answer(request, _from_http(request, error), headers)

    def on_invalid(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        return answer(request, from_validation(error))

    app.add_exception_handler(RcgError, on_rcg_error)
    app.add_exception_handler(HTTPException, on_http_error)
    app.add_exception_handler(RequestValidationError, on_invalid)
    app.add_middleware(ErrorBoundary, answer=answer)


class ErrorBoundary:
    """Turns what nobody foresaw into a 500 with a reference; the traceback goes to the log under it."""

    def __init__(self, app: ASGIApp, answer: Callable[[Request, RcgError], Response]) -> None:
        self.app = app
        self.answer = answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass everything on; answer for what raises before it has answered."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = False

        async def watch(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self.app(scope, receive, watch)
        except RcgError as error:
            if started:
                raise
            await self.answer(Request(scope), error)(scope, receive, send)
        except ClientDisconnect:
            _log.info("the client went away during %s %s", scope["method"], scope["path"])
        except Exception as error:
            if started:
                raise  # nothing can be said to the client any more; the server logs it and cuts the line
            if is_disk_full(error):
                _log.error("the disk is full: %s in %s %s", error, scope["method"], scope["path"])
                await self.answer(Request(scope), _disk_full())(scope, receive, send)
                return
            reference = secrets.token_hex(4)
            _log.exception("unexpected error %s in %s %s", reference, scope["method"], scope["path"])
            await self.answer(Request(scope), _unforeseen(reference))(scope, receive, send)


def _disk_full() -> UnavailableError:
    return UnavailableError(
        "The disk of the data folder is full, so nothing could be stored.",
        "Make room there and try again. Nothing was half-written.",
    )


def _unforeseen(reference: str) -> InternalError:
    return InternalError(
        f"Something went wrong that RCG did not foresee (reference {reference}).",
        f"Nothing was half-written. The log has the details: grep {reference} logs/rcg.log",
        reference=reference,
    )


def _methods(request: Request) -> list[str]:
    """Return every method of an address; the router's own answer names those of its first route alone."""
    return [
        method
        for method in ("GET", "POST", "PUT", "PATCH", "DELETE")
        if any(
            route.matches({**request.scope, "method": method})[0] is Match.FULL
            for route in request.app.routes
        )
    ]


def _from_http(request: Request, error: HTTPException) -> RcgError:
    path = request.scope["path"]
    if error.status_code == 404:
        return NotFoundError(f"There is nothing at {path[:200]}.", "The addresses are listed at /api/docs.")
    if error.status_code == 405:
        allowed = ", ".join(_methods(request)) or (error.headers or {}).get("Allow", "")
        return HttpError(
            405,
            "method_not_allowed",
            f"{request.method} is not possible at {path[:200]}.",
            f"It takes {allowed}." if allowed else "",
        )
    if error.status_code == 413:
        return TooLargeError(str(error.detail))
    return HttpError(error.status_code, "bad_request", str(error.detail))


def from_validation(error: RequestValidationError) -> InputError:
    """Name each field that is wrong, with its value and what was expected."""
    fields = [_field(item) for item in error.errors()]
    sentences = [f"{item['field']}: {item['problem']}" for item in fields[:5]]
    if len(fields) > 5:
        sentences.append(f"and {len(fields) - 5} more")
    return InputError("; ".join(sentences), "/api/docs shows what each field may hold.", fields=fields)


def checked(model: type[Model], values: Any, *, field: str | None = None) -> Model:
    """Validate what did not come through FastAPI's own parsing, with the same words when it is wrong.

    Args:
        model: what it has to be.
        values: a mapping, or JSON text.
        field: where in the body it stands.
    """
    try:
        return model.model_validate_json(values) if isinstance(values, str) else model.model_validate(values)
    except ValidationError as error:
        prefix = ("body", field) if field else ("body",)
        raise RequestValidationError(
            [{**item, "loc": (*prefix, *item["loc"])} for item in error.errors()]
        ) from error


def _field(item: Mapping[str, Any]) -> dict[str, Any]:
    where, *rest = item["loc"]
    name = ".".join(str(part) for part in rest) or str(where)
    problem = str(item["msg"])
    if item["type"] == "json_invalid":
        field = next((str(part) for part in rest if isinstance(part, str)), "body")
        return {"field": field, "problem": f"is no valid JSON: {item.get('ctx', {}).get('error', problem)}"}
    if item["type"] == "missing":
        return {"field": name, "problem": "is missing"}
    value = _shown(item.get("input"))
    return {"field": name, "problem": f"{value} is not valid: {problem}", "value": value}


def _shown(value: Any) -> str:
    if isinstance(value, bytes):
        return f"{len(value)} bytes"
    try:
        text = json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError):
        text = repr(value)
    return text if len(text) <= 120 else f"{text[:117]}..."
