"""Who am I, sign in and out, devices, links, tokens."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from rcg.api import schemas
from rcg.api.auth.secrets import cookie_name
from rcg.api.auth.service import SESSION_LIFE_MS
from rcg.api.deps import ContainerDep, PrincipalDep
from rcg.errors import ConflictError

router = APIRouter()


@router.get("/me", tags=["sign-in"])
def me(principal: PrincipalDep) -> schemas.MeOut:
    """Who is asking, and what that one may do."""
    return schemas.MeOut(
        kind=principal.kind,
        id=principal.id,
        name=principal.name,
        scopes=sorted(principal.scopes),
        expires_at=principal.expires_at,
    )


@router.post("/auth/redeem", tags=["sign-in"])
def redeem(
    body: schemas.RedeemIn, request: Request, response: Response, container: ContainerDep
) -> schemas.MeOut:
    """Turn a one-time link into a sign-in of this browser. The answer sets the cookie."""
    made = container.auth.redeem(
        body.secret,
        user_agent=request.headers.get("user-agent", ""),
        address=request.client.host if request.client else "unknown",
    )
    if "admin" not in made.principal.scopes:
        container.jobs.events.publish("capture", {"type": "paired", "device": made.principal.name})
    response.set_cookie(
        cookie_name(_port(request)),
        made.secret,
        max_age=SESSION_LIFE_MS // 1000,
        path="/",
        secure=True,
        httponly=True,
        samesite="strict",
    )
    response.headers["cache-control"] = "no-store"
    return me(made.principal)


@router.post("/auth/sign-out", status_code=204, tags=["sign-in"])
def sign_out(principal: PrincipalDep, request: Request, response: Response, container: ContainerDep) -> None:
    """End this browser's sign-in."""
    if principal.kind != "session":
        raise ConflictError("A token cannot sign out.", f"Revoke it: DELETE /api/tokens/{principal.id}")
    container.auth.revoke_session(principal.id)
    response.delete_cookie(
        cookie_name(_port(request)), path="/", secure=True, httponly=True, samesite="strict"
    )


@router.get("/sessions", tags=["sign-in"])
def sessions(principal: PrincipalDep, container: ContainerDep) -> list[schemas.SessionOut]:
    """The signed-in devices, last seen first."""
    found = [schemas.SessionOut.model_validate(row) for row in container.auth.sessions()]
    return [item.model_copy(update={"current": item.id == principal.id}) for item in found]


@router.patch("/sessions/{session_id}", tags=["sign-in"])
def rename_session(
    session_id: str, body: schemas.SessionPatch, principal: PrincipalDep, container: ContainerDep
) -> schemas.SessionOut:
    """Give a device another name."""
    row = container.auth.rename_session(session_id, body.device)
    return schemas.SessionOut.model_validate(row).model_copy(update={"current": row.id == principal.id})


@router.delete("/sessions/{session_id}", status_code=204, tags=["sign-in"])
def revoke_session(session_id: str, container: ContainerDep) -> None:
    """End a device's sign-in at once."""
    container.auth.revoke_session(session_id)


@router.post("/links", status_code=201, tags=["sign-in"])
def make_link(container: ContainerDep, body: schemas.LinkIn | None = None) -> schemas.LinkOut:
    """Make a link that signs one browser in within 15 minutes."""
    link = container.auth.create_link((body or schemas.LinkIn()).purpose)
    return schemas.LinkOut(path=link.path, expires_at=link.expires_at)


@router.post("/pairing", status_code=201, tags=["sign-in"])
def make_pairing(response: Response, container: ContainerDep) -> schemas.PairingOut:
    """Let one phone in within two minutes: it may look and capture, and is ended like any device."""
    made = container.auth.create_pairing()
    response.headers["cache-control"] = "no-store"
    return schemas.PairingOut(path=made.path, code=made.code, expires_at=made.expires_at)


@router.get("/tokens", tags=["sign-in"])
def tokens(container: ContainerDep) -> list[schemas.TokenOut]:
    """The tokens that hold, newest first."""
    return [schemas.TokenOut.model_validate(row) for row in container.auth.tokens()]


@router.post("/tokens", status_code=201, tags=["sign-in"])
def make_token(
    body: schemas.TokenIn, principal: PrincipalDep, response: Response, container: ContainerDep
) -> schemas.NewTokenOut:
    """Make a token for a script; it is shown this once."""
    made = container.auth.create_token(body.name, body.scopes, days=body.days, by=principal)
    response.headers["cache-control"] = "no-store"
    shown = schemas.TokenOut.model_validate(made.row)
    return schemas.NewTokenOut(**shown.model_dump(), token=made.secret)


@router.delete("/tokens/{token_id}", status_code=204, tags=["sign-in"])
def revoke_token(token_id: str, container: ContainerDep) -> None:
    """End a token at once."""
    container.auth.revoke_token(token_id)


def _port(request: Request) -> int:
    server = request.scope.get("server")
    return int(server[1]) if server and server[1] else 443
