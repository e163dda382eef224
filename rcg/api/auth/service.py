"""Sign-in as one service: links, sessions, tokens, and telling who a request comes from."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from pathlib import Path
from typing import Literal

from sqlalchemy.orm import Session

from rcg.api.auth import local
from rcg.api.auth.principal import SCOPES, Principal, Scope, parse_scopes
from rcg.api.auth.secrets import (
    TOKEN_PREFIX,
    cookie_name,
    digest,
    new_link_secret,
    new_pairing_code,
    new_session_secret,
    new_token,
)
from rcg.api.auth.throttle import Throttle
from rcg.errors import ConflictError, ForbiddenError, InputError, NotFoundError
from rcg.store.db import Database, now_ms
from rcg.store.models import ApiToken, SignInSession
from rcg.store.repositories import auth as rows

Purpose = Literal["setup", "sign_in"]
_PAIRING = ("pair", "pair_code")
PHONE_SCOPES: tuple[Scope, ...] = ("read", "capture")
"""what a paired phone may do: photograph and look, but not make links or read the log"""
_MINUTE = 60_000
_DAY = 24 * 60 * _MINUTE
LINK_LIFE_MS = 15 * _MINUTE
PAIRING_LIFE_MS = 2 * _MINUTE
SESSION_IDLE_MS = 30 * _DAY
SESSION_LIFE_MS = 180 * _DAY
_SEEN_EVERY_MS = 5 * _MINUTE
"""how often the time of last use is written: often enough to be useful, seldom enough to cost nothing"""
_NEVER = 2**53 - 1
# Order matters: Edge and Chrome also call themselves Safari, Android calls itself Linux.
_BROWSERS = (("edg", "Edge"), ("firefox", "Firefox"), ("fxios", "Firefox"), ("crios", "Chrome"),
             ("chrome", "Chrome"), ("safari", "Safari"), ("curl", "curl"), ("python", "Python"))  # fmt: skip
_SYSTEMS = (("iphone", "iPhone"), ("ipad", "iPad"), ("android", "Android"), ("windows", "Windows"),
            ("mac os", "macOS"), ("cros", "ChromeOS"), ("linux", "Linux"))  # fmt: skip


@dataclass(frozen=True)
class NewLink:
    """A one-time link. The secret stands in the fragment, which no server log and no referrer sees."""

    secret: str
    purpose: Purpose
    expires_at: int | None

    @property
    def path(self) -> str:
        """What follows the server's address."""
        return f"/link#{self.secret}"


@dataclass(frozen=True)
class NewPairing:
    """What lets one phone in: a secret for a QR code, or six digits for who types. One use ends both."""

    secret: str
    code: str
    expires_at: int

    @property
    def path(self) -> str:
        """What follows the server's address."""
        return f"/pair#{self.secret}"


@dataclass(frozen=True)
class NewSession:
    """A sign-in just made; the secret goes into the cookie and is not kept."""

    secret: str
    principal: Principal


@dataclass(frozen=True)
class NewToken:
    """A token just made; the secret is shown once and not kept."""

    secret: str
    row: ApiToken


class AuthService:
    """Links, sessions and tokens over the database.

    Args:
        db: the database.
        port: part of the cookie's name where a request does not say at which port it came in.
        clock: milliseconds since 1970.
    """

    def __init__(self, db: Database, *, port: int = 8443, clock: Callable[[], int] = now_ms) -> None:
        self._db = db
        self._port = port
        self._clock = clock
        self._throttle = Throttle(per_minute=5, burst=10)
        # Six digits can be guessed, from however many addresses: in a code's two minutes twenty tries fit.
        self._codes = Throttle(per_minute=5, burst=10)

    # One-time links

    def setup_needed(self) -> bool:
        """Whether nobody is signed in: then a set-up link is what lets the owner in."""
        with self._db.read() as session:
            return not self._live_sessions(session)

    def create_link(self, purpose: Purpose = "sign_in") -> NewLink:
        """Make a link that signs one browser in.

        ``sign_in`` lasts 15 minutes. ``setup`` lasts until it is used, works only while nobody is signed
        in, and replaces earlier set-up links. Raises ConflictError for ``setup`` when somebody is signed in.
        """
        secret, now = new_link_secret(), self._clock()
        with self._db.write() as session:
            rows.drop_links(session, expired_before=now - _DAY)
            if purpose == "setup":
                if self._live_sessions(session):
                    raise ConflictError("RCG is set up already.", "Make a sign-in link: rcg link")
                rows.drop_links(session, purpose="setup")
            expires = _NEVER if purpose == "setup" else now + LINK_LIFE_MS
            rows.add_link(session, secret_hash=digest(secret), purpose=purpose, expires_at=expires)
        return NewLink(secret, purpose, None if purpose == "setup" else expires)

    def create_pairing(self) -> NewPairing:
        """Make what lets one phone in within two minutes; an earlier one that was not used ends."""
        made = NewPairing(new_link_secret(), new_pairing_code(), self._clock() + PAIRING_LIFE_MS)
        with self._db.write() as session:
            for purpose in _PAIRING:
                rows.drop_links(session, purpose=purpose)
            rows.add_link(
                session, secret_hash=digest(made.secret), purpose="pair", expires_at=made.expires_at
            )
            code = _code_digest(made.code)
            row = rows.link_by_hash(session, code)
            if row is not None:  # the same six digits were used before
                row.used_at, row.expires_at = None, made.expires_at
            else:
                rows.add_link(session, secret_hash=code, purpose="pair_code", expires_at=made.expires_at)
        return made

    def redeem(self, secret: str, *, user_agent: str = "", address: str = "local") -> NewSession:
        """Turn a link's secret into a session, once.

        Raises ForbiddenError when the link is unknown, used or too old, TooManyRequestsError after many
        tries from one address.
        """
        self._throttle.take(address)
        code = "".join(secret.split())
        typed = len(code) == 6 and code.isascii() and code.isdigit()
        if typed:
            self._codes.take("all")
        now, cookie = self._clock(), new_session_secret()
        with self._db.write() as session:
            link = rows.link_by_hash(session, _code_digest(code) if typed else digest(secret))
            if link is None:
                raise _bad_code() if typed else _bad_link("This link is not known here.")
            pairing = link.purpose in _PAIRING
            if link.used_at is not None:
                raise _bad_code() if typed else _bad_link("This link has been used already; each works once.")
            if link.expires_at <= now:
                life = "two" if pairing else "15"
                raise (
                    _bad_code()
                    if typed
                    else _bad_link(f"This link is too old; each works for {life} minutes.")
                )
            if link.purpose == "setup" and self._live_sessions(session):
                raise _bad_link("RCG is set up already, so its set-up link no longer works.")
            link.used_at = now
            if pairing:
                for purpose in _PAIRING:
                    rows.drop_links(session, purpose=purpose)
            kind = "phone" if pairing else "browser"
            row = rows.add_session(session, digest(cookie), device_name(user_agent), now, kind)
            return NewSession(cookie, _of_session(row))

    # Who is it?

    def authenticate(self, headers: Mapping[str, str], *, port: int | None = None) -> Principal | None:
        """Return who sent a request, or None.

        Args:
            headers: by lower-case name. A bearer token is taken before a cookie.
            port: where the request came in; the configured port when None.
        """
        bearer = bearer_of(headers)
        if bearer is not None:
            return self._of_bearer(bearer)
        cookie = _cookie(headers.get("cookie", ""), cookie_name(self._port if port is None else port))
        return self._of_cookie(cookie) if cookie else None

    def _of_bearer(self, secret: str) -> Principal | None:
        if not secret.startswith(TOKEN_PREFIX):
            return None
        now = self._clock()
        with self._db.read() as session:
            row = rows.token_by_hash(session, digest(secret))
            if row is None or row.revoked_at is not None:
                return None
            if row.expires_at is not None and row.expires_at <= now:
                return None
            principal = _of_token(row)
            stale = row.last_used_at is None or now - row.last_used_at > _SEEN_EVERY_MS
        if stale:
            with self._db.write() as session:
                used = rows.token_by_id(session, principal.id)
                if used is not None:
                    used.last_used_at = now
        return principal

    def _of_cookie(self, secret: str) -> Principal | None:
        now = self._clock()
        with self._db.read() as session:
            row = rows.session_by_hash(session, digest(secret))
            if row is None or row.revoked_at is not None:
                return None
            if now - row.last_seen_at >= SESSION_IDLE_MS or now - row.created_at >= SESSION_LIFE_MS:
                return None
            principal = _of_session(row)
            stale = now - row.last_seen_at > _SEEN_EVERY_MS
        if stale:
            with self._db.write() as session:
                seen = rows.session_by_id(session, principal.id)
                if seen is not None:
                    seen.last_seen_at = now
        return principal

    # Sessions

    def sessions(self) -> Sequence[SignInSession]:
        """Return the sign-ins that hold, last seen first."""
        with self._db.read() as session:
            return self._live_sessions(session)

    def rename_session(self, session_id: str, device: str) -> SignInSession:
        """Give a device another name. Raises NotFoundError."""
        with self._db.write() as session:
            row = self._live_session(session, session_id)
            row.device = device
            return row

    def revoke_session(self, session_id: str) -> None:
        """End a sign-in at once. Raises NotFoundError."""
        with self._db.write() as session:
            self._live_session(session, session_id).revoked_at = self._clock()

    def _live_session(self, session: Session, session_id: str) -> SignInSession:
        row = rows.session_by_id(session, session_id)
        if row is None or row.revoked_at is not None:
            raise NotFoundError(
                f"There is no signed-in device {session_id!r}.", "GET /api/sessions lists them."
            )
        return row

    def _live_sessions(self, session: Session) -> Sequence[SignInSession]:
        now = self._clock()
        return rows.live_sessions(
            session, created_after=now - SESSION_LIFE_MS, seen_after=now - SESSION_IDLE_MS
        )

    # Tokens

    def tokens(self) -> Sequence[ApiToken]:
        """Return the tokens that hold, newest first."""
        with self._db.read() as session:
            return rows.live_tokens(session, self._clock())

    def create_token(
        self, name: str, scopes: Iterable[str], *, days: float | None = None, by: Principal | None = None
    ) -> NewToken:
        """Make a token for a script.

        Args:
            name: what it is for.
            scopes: what it may do.
            days: how long it lasts; None: until it is revoked.
            by: who asks. A token never makes one with wider scopes or a longer life than its own. None: the
                owner at this computer's command line.

        Raises InputError for a bad name or scope, ForbiddenError for one wider than its maker.
        """
        wanted = parse_scopes(scopes)
        name = name.strip()
        if not 1 <= len(name) <= 100:
            raise InputError("A token needs a name of 1 to 100 characters.", "Name what will use it.")
        if days is not None and days <= 0:
            raise InputError(f"A token cannot last {days} days.", "Give a number above 0, or none at all.")
        now = self._clock()
        expires = None if days is None else min(now + int(days * _DAY), _NEVER)
        if by is not None:
            wider = sorted(scope for scope in wanted if not by.may(scope))
            if wider:
                raise ForbiddenError(
                    f"A token cannot make one that may do more: {by.name!r} has no {wider[0]}."
                )
            if by.kind == "token" and by.expires_at is not None:
                expires = by.expires_at if expires is None else min(expires, by.expires_at)
        secret = new_token()
        ordered = [scope for scope in SCOPES if scope in wanted]
        with self._db.write() as session:
            row = rows.add_token(
                session, name=name, secret_hash=digest(secret), scopes=ordered, expires_at=expires
            )
        return NewToken(secret, row)

    def revoke_token(self, token_id: str) -> None:
        """End a token at once. Raises NotFoundError."""
        with self._db.write() as session:
            row = rows.token_by_id(session, token_id)
            if row is None or row.revoked_at is not None:
                raise NotFoundError(f"There is no token {token_id!r}.", "GET /api/tokens lists them.")
            row.revoked_at = self._clock()

    def ensure_local_token(self, data_dir: Path, address: str, ca: Path | None = None) -> Path:
        """Sign this computer's command line in: see :func:`rcg.api.auth.local.ensure_local_token`."""
        return local.ensure_local_token(self, data_dir, address, ca)


def bearer_of(headers: Mapping[str, str]) -> str | None:
    """Return the bearer token of a request, if it has one."""
    kind, _, value = headers.get("authorization", "").partition(" ")
    return value.strip() if kind.lower() == "bearer" and value.strip() else None


def device_name(user_agent: str) -> str:
    """Return what a person would call the browser: ``Firefox on Linux``."""
    agent = user_agent.lower()
    browser = next((name for key, name in _BROWSERS if key in agent), "Browser")
    system = next((name for key, name in _SYSTEMS if key in agent), "")
    return f"{browser} on {system}" if system else browser


def _cookie(header: str, name: str) -> str | None:
    try:
        morsel = SimpleCookie(header).get(name)
    except CookieError:
        return None
    return morsel.value if morsel else None


def _bad_link(detail: str) -> ForbiddenError:
    return ForbiddenError(detail, "Make a new one on the computer that runs RCG: rcg link")


def _bad_code() -> ForbiddenError:
    return ForbiddenError(
        "This code does not pair: it is wrong, used, or older than two minutes.",
        "Make a new one on the computer: Capture, then Pair a phone.",
    )


def _code_digest(code: str) -> bytes:
    return digest(f"pairing code {code}")


def _of_session(row: SignInSession) -> Principal:
    scopes = frozenset(PHONE_SCOPES if row.kind == "phone" else SCOPES)
    return Principal("session", row.id, row.device, scopes, row.created_at + SESSION_LIFE_MS)


def _of_token(row: ApiToken) -> Principal:
    scopes: frozenset[Scope] = frozenset(scope for scope in SCOPES if scope in row.scopes)
    return Principal("token", row.id, row.name, scopes, row.expires_at)
