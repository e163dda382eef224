"""Sign-in sessions, tokens for scripts and one-time links; all secrets come and go as SHA-256."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import delete, or_, select
from sqlalchemy.orm import Session

from rcg.store.models import ApiToken, OneTimeLink, SignInSession


def add_session(
    session: Session, secret_hash: bytes, device: str, now: int, kind: str = "browser"
) -> SignInSession:
    """Keep a new sign-in of a ``browser`` or a ``phone``. Times in ms."""
    row = SignInSession(secret_hash=secret_hash, device=device, kind=kind, created_at=now, last_seen_at=now)
    session.add(row)
    session.flush()
    return row


def session_by_hash(session: Session, secret_hash: bytes) -> SignInSession | None:
    """Return the sign-in whose cookie has this hash, revoked ones too."""
    return session.scalar(select(SignInSession).where(SignInSession.secret_hash == secret_hash))


def session_by_id(session: Session, session_id: str) -> SignInSession | None:
    """Return a sign-in by its id."""
    return session.get(SignInSession, session_id)


def live_sessions(session: Session, *, created_after: int, seen_after: int) -> Sequence[SignInSession]:
    """Return the sign-ins that still hold, last seen first."""
    return session.scalars(
        select(SignInSession)
        .where(
            SignInSession.revoked_at.is_(None),
            SignInSession.created_at > created_after,
            SignInSession.last_seen_at > seen_after,
        )
        .order_by(SignInSession.last_seen_at.desc(), SignInSession.id)
    ).all()


def add_token(
    session: Session, *, name: str, secret_hash: bytes, scopes: Sequence[str], expires_at: int | None
) -> ApiToken:
    """Keep a new token."""
    row = ApiToken(name=name, secret_hash=secret_hash, scopes=list(scopes), expires_at=expires_at)
    session.add(row)
    session.flush()
    return row


def token_by_hash(session: Session, secret_hash: bytes) -> ApiToken | None:
    """Return the token that has this hash, revoked ones too."""
    return session.scalar(select(ApiToken).where(ApiToken.secret_hash == secret_hash))


def token_by_id(session: Session, token_id: str) -> ApiToken | None:
    """Return a token by its id."""
    return session.get(ApiToken, token_id)


def live_tokens(session: Session, now: int) -> Sequence[ApiToken]:
    """Return the tokens that still hold, newest first."""
    return session.scalars(
        select(ApiToken)
        .where(ApiToken.revoked_at.is_(None), or_(ApiToken.expires_at.is_(None), ApiToken.expires_at > now))
        .order_by(ApiToken.created_at.desc(), ApiToken.id)
    ).all()


def add_link(session: Session, *, secret_hash: bytes, purpose: str, expires_at: int) -> OneTimeLink:
    """Keep a new one-time link."""
    row = OneTimeLink(secret_hash=secret_hash, purpose=purpose, expires_at=expires_at)
    session.add(row)
    session.flush()
    return row


def link_by_hash(session: Session, secret_hash: bytes) -> OneTimeLink | None:
    """Return the link that has this hash, used ones too."""
    return session.get(OneTimeLink, secret_hash)


def drop_links(session: Session, *, purpose: str | None = None, expired_before: int | None = None) -> None:
    """Delete unused links of a purpose, or all that ran out before a time."""
    query = delete(OneTimeLink)
    if purpose is not None:
        query = query.where(OneTimeLink.purpose == purpose, OneTimeLink.used_at.is_(None))
    if expired_before is not None:
        query = query.where(OneTimeLink.expires_at < expired_before)
    session.execute(query)
