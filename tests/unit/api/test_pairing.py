"""A phone is let in by a code, once, within two minutes; it may capture and look, and is ended like any."""

import pytest

from rcg.api.auth import AuthService
from rcg.api.auth.secrets import cookie_name
from rcg.api.auth.throttle import TooManyRequestsError
from rcg.errors import ForbiddenError

MINUTE = 60_000
ANDROID = "Mozilla/5.0 (Linux; Android 16) Chrome/157.0 Mobile"


class Clock:
    def __init__(self):
        self.now = 1_800_000_000_000

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def auth(parts, clock):
    return AuthService(parts.db, port=8443, clock=clock)


@pytest.mark.parametrize("way", ["secret", "code"])
def test_a_phone_is_paired_once_by_either_and_both_end(auth, way):
    pairing = auth.create_pairing()
    made = auth.redeem(getattr(pairing, way), user_agent=ANDROID)
    assert made.principal.scopes == {"read", "capture"}
    assert made.principal.name == "Chrome on Android"
    for used in (pairing.secret, pairing.code):
        with pytest.raises(ForbiddenError):
            auth.redeem(used, address="another")
    assert [(row.kind, row.device) for row in auth.sessions()] == [("phone", "Chrome on Android")]


def test_a_code_may_be_typed_with_a_gap(auth):
    code = auth.create_pairing().code
    assert auth.redeem(f" {code[:3]} {code[3:]} ").principal.scopes == {"read", "capture"}


def test_two_minutes_are_two_minutes(auth, clock):
    pairing = auth.create_pairing()
    clock.now += 2 * MINUTE
    with pytest.raises(ForbiddenError, match="two minutes"):
        auth.redeem(pairing.secret)
    with pytest.raises(ForbiddenError, match="older than two minutes"):
        auth.redeem(pairing.code)


def test_a_new_code_ends_the_one_before(auth):
    first, _second = auth.create_pairing(), auth.create_pairing()
    with pytest.raises(ForbiddenError):
        auth.redeem(first.secret)
    with pytest.raises(ForbiddenError):
        auth.redeem(first.code)


def test_codes_cannot_be_guessed_from_many_addresses(auth):
    pairing = auth.create_pairing()
    wrong = f"{(int(pairing.code) + 1) % 1_000_000:06d}"
    for number in range(10):
        with pytest.raises(ForbiddenError):
            auth.redeem(wrong, address=f"10.0.0.{number}")
    with pytest.raises(TooManyRequestsError):
        auth.redeem(pairing.code, address="10.0.0.99")
    assert auth.redeem(pairing.secret, address="10.0.0.98"), "whoever points a camera at it is not held up"


def test_a_sign_in_link_still_makes_a_browser(auth):
    made = auth.redeem(auth.create_link().secret)
    assert made.principal.may("admin")
    assert [row.kind for row in auth.sessions()] == ["browser"]


def test_by_rest_a_phone_gets_a_cookie_that_may_not_pair_others(client, stranger, parts):
    pairing = client.post("/api/pairing").json()
    assert pairing["path"].startswith("/pair#")
    answer = stranger.post(
        "/api/auth/redeem", json={"secret": pairing["code"]}, headers={"user-agent": ANDROID}
    )
    assert answer.status_code == 200
    assert answer.json()["scopes"] == ["capture", "read"]
    cookie = answer.headers["set-cookie"]
    assert cookie_name(8443) in cookie
    assert "HttpOnly" in cookie
    assert ("capture", {"type": "paired", "device": "Chrome on Android"}) in parts.jobs.published
    stranger.headers["sec-fetch-site"] = "same-origin"
    assert stranger.get("/api/cards").status_code == 200
    assert stranger.post("/api/cards", json={"name": "Pikachu"}).status_code == 201
    for method, path in [("POST", "/api/pairing"), ("POST", "/api/links"), ("GET", "/api/sessions"),
                         ("GET", "/api/settings"), ("POST", "/api/datasets")]:  # fmt: skip
        assert stranger.request(method, path, json={}).status_code == 403, path
    (phone,) = [row for row in client.get("/api/sessions").json() if row["kind"] == "phone"]
    assert client.delete(f"/api/sessions/{phone['id']}").status_code == 204
    assert stranger.get("/api/cards").status_code == 401


def test_who_opens_the_camera_unpaired_is_led_to_pairing(stranger):
    answer = stranger.get("/capture/?session=1", headers={"accept": "text/html"})
    assert answer.headers["location"] == "/pair?next=/capture/%3Fsession%3D1"
