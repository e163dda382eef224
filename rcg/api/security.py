"""The root's security, as pure ASGI for HTTP and WebSocket alike: no mount and no new route escapes it.

In this order: the host is one of ours, the path is straight, the request comes from our own pages, somebody
is signed in, and may do this; then the body has a limit. Every answer carries the security headers.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from urllib.parse import quote, urlsplit

from anyio import to_thread
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rcg.api.auth import AuthService, Principal
from rcg.api.auth.service import bearer_of
from rcg.api.errors import ErrorBoundary, HttpError, json_error
from rcg.api.policy import SAFE_METHODS, body_limit, is_crooked, is_public, limit_hint, scopes_for
from rcg.errors import ForbiddenError, NotFoundError, RcgError, TooLargeError, UnauthorisedError
from rcg.settings import LimitSettings

CONTENT_SECURITY_POLICY = (
    "default-src 'self'; img-src 'self' blob: data:; style-src 'self'; script-src 'self'; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
)
SECURITY_HEADERS = {
    "content-security-policy": CONTENT_SECURITY_POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
}
_NO_PRINCIPAL = ("/health/live", "/static/")
"""asked often and open to all: the database is not touched for them"""


class SecurityMiddleware:
    """Denies by default. Put it on the root app.

    Args:
        app: what it guards.
        auth: tells who a request comes from.
        limits: bounds on bodies.
        allowed_hosts: the host names and addresses this server is known by, lower-case, without port; called
            for each request, because the certificate that names them is renewed while the server runs.

    The principal of a request is ``request.state.principal`` (None on public paths for the unknown).
    """

    def __init__(
        self,
        app: ASGIApp,
        auth: AuthService,
        limits: LimitSettings,
        allowed_hosts: Callable[[], Collection[str]],
    ) -> None:
        self.app = app
        self.auth = auth
        self.limits = limits
        self.allowed_hosts = allowed_hosts
        self._guarded = ErrorBoundary(self._guard, answer=lambda _request, error: json_error(error))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Check, then pass on; refuse with the reason."""
        if scope["type"] in {"http", "websocket"}:
            await self._guarded(scope, receive, _with_headers(send))
        else:
            await self.app(scope, receive, send)

    async def _guard(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope)
        try:
            self._check_origin(scope, headers)
            principal = await self._principal(scope, headers)
            _check_rights(scope, principal)
        except RcgError as error:
            await _refuse(error, scope, headers, receive, send)
            return
        scope.setdefault("state", {})["principal"] = principal
        if scope["type"] == "websocket":
            await self.app(scope, receive, send)
            return
        await _limited(self.app, body_limit(scope["path"], self.limits), scope, receive, send)

    def _check_origin(self, scope: Scope, headers: Headers) -> None:
        host = headers.get("host", "")
        if host_name(host) not in self.allowed_hosts():
            raise HttpError(
                421,
                "unknown_host",
                f"This server does not know itself as {host[:200]!r}.",
                "Use an address that its start prints, or add the name to server.names in config/rcg.toml.",
            )
        if is_crooked(scope["path"]):
            raise NotFoundError("There is nothing at that address.")
        unsafe = scope["type"] == "websocket" or scope["method"] not in SAFE_METHODS
        by_token_alone = bearer_of(headers) is not None and "cookie" not in headers
        if unsafe and not by_token_alone and not is_same_origin(headers):
            raise ForbiddenError(
                "The request comes from another site's page.",
                "Use RCG's own pages; a script sends a token and no cookie (rcg token create).",
            )

    async def _principal(self, scope: Scope, headers: Headers) -> Principal | None:
        path = scope["path"]
        if "authorization" not in headers and "cookie" not in headers:
            return None
        if path.startswith(_NO_PRINCIPAL):
            return None
        port = scope["server"][1] if scope.get("server") else None
        return await to_thread.run_sync(lambda: self.auth.authenticate(headers, port=port))


def host_name(host: str) -> str:
    """Return the host of a Host header in lower case, without port, brackets and a dot at its end."""
    try:
        return (urlsplit(f"//{host}").hostname or "").rstrip(".")
    except ValueError:
        return ""


def is_same_origin(headers: Headers) -> bool:
    """Whether a request was made by a page of this server, or by no page at all.

    Browsers say so in Sec-Fetch-Site; older ones send an Origin, which has to name this host (the algorithm
    of Go 1.25's CrossOriginProtection). What sends neither is no browser.
    """
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site in {"same-origin", "none"}
    origin = headers.get("origin")
    if origin is None:
        return True
    return urlsplit(origin).netloc.lower() == headers.get("host", "").lower()


def _check_rights(scope: Scope, principal: Principal | None) -> None:
    path = scope["path"]
    if scope["type"] == "http" and is_public(path):
        return
    if principal is None:
        raise UnauthorisedError(
            "You are not signed in.",
            "In a browser: run `rcg link` on the computer that runs RCG and open the link. In a script: run "
            "`rcg token create` there and send the header `Authorization: Bearer TOKEN`.",
        )
    wanted = scopes_for(scope.get("method", "POST"), path)
    if wanted:
        principal.require(*wanted)


async def _refuse(error: RcgError, scope: Scope, headers: Headers, receive: Receive, send: Send) -> None:
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.close", "code": 1008, "reason": error.detail[:120]})
        return
    response: Response = json_error(error)
    if (
        error.status == 401
        and scope["method"] in {"GET", "HEAD"}
        and "text/html" in headers.get("accept", "")
    ):
        query = scope.get("query_string", b"").decode("latin-1")
        wanted = scope["path"] + (f"?{query}" if query else "")
        response = RedirectResponse(f"/sign-in?next={quote(wanted, safe='/')}", 303)
    await response(scope, receive, send)


def _with_headers(send: Send) -> Send:
    async def secured(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in SECURITY_HEADERS.items():
                headers.setdefault(name, value)
        await send(message)

    return secured


async def _limited(app: ASGIApp, limit: int, scope: Scope, receive: Receive, send: Send) -> None:
    """Run the app with a body of at most ``limit`` bytes, counted: Content-Length is only a claim."""
    error = TooLargeError(
        f"The body is larger than the {limit / 1e6:g} MB that {scope['path'][:100]} takes.",
        limit_hint(scope["path"]),
    )
    claimed = Headers(scope=scope).get("content-length", "")
    if claimed.isdigit() and int(claimed) > limit:
        await json_error(error)(scope, receive, send)
        return
    count, over, started = 0, False, False

    async def counted() -> Message:
        nonlocal count, over
        message = await receive()
        if message["type"] == "http.request":
            count += len(message.get("body", b""))
            if count > limit:
                over = True
                raise error
        return message

    async def watched(message: Message) -> None:
        nonlocal started
        if over and not started:
            return  # whatever the app makes of the cut body, the answer is the one below
        started = True
        await send(message)

    try:
        await app(scope, counted, watched)
    except RcgError as raised:
        if raised is not error:
            raise
    if over and not started:
        await json_error(error)(scope, receive, send)
