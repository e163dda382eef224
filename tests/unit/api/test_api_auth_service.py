import json
import stat
from pathlib import Path

import pytest

from rcg.api.auth import AuthService
from rcg.api.auth.secrets import cookie_name
from rcg.api.auth.service import device_name
from rcg.api.auth.throttle import Throttle, TooManyRequestsError
from rcg.errors import ConflictError, ForbiddenError, InputError, NotFoundError
from rcg.store.models import ApiToken, OneTimeLink, SignInSession

MINUTE, DAY = 60_000, 86_400_000


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


def cookie(secret, port=8443):
    return {"cookie": f"other=1; {cookie_name(port)}={secret}"}


def bearer(secret):
    return {"authorization": f"Bearer {secret}"}


def sign_in(auth):
    return auth.redeem(auth.create_link().secret, user_agent="Mozilla/5.0 (X11; Linux) Firefox/140.0")


def test_a_link_signs_in_once(auth):
    link = auth.create_link()
    made = auth.redeem(link.secret, user_agent="Mozilla/5.0 (X11; Linux) Firefox/140.0")
    assert auth.authenticate(cookie(made.secret)) == made.principal
    assert made.principal.name == "Firefox on Linux"
    with pytest.raises(ForbiddenError, match="used already"):
        auth.redeem(link.secret)


def test_a_sign_in_link_lasts_a_quarter_of_an_hour(auth, clock):
    early, late = auth.create_link(), auth.create_link()
    clock.now += 15 * MINUTE - 1
    auth.redeem(early.secret)
    clock.now += 1
    with pytest.raises(ForbiddenError, match="too old"):
        auth.redeem(late.secret)


def test_a_set_up_link_lasts_until_somebody_is_signed_in(auth, clock):
    assert auth.setup_needed()
    link = auth.create_link("setup")
    assert link.expires_at is None
    clock.now += 400 * DAY
    auth.redeem(link.secret)
    assert not auth.setup_needed()
    with pytest.raises(ConflictError, match="set up already"):
        auth.create_link("setup")


def test_a_set_up_link_does_not_work_beside_a_sign_in(auth):
    link = auth.create_link("setup")
    sign_in(auth)
    with pytest.raises(ForbiddenError, match="set up already"):
        auth.redeem(link.secret)


def test_a_new_set_up_link_replaces_the_old_one(auth):
    old, new = auth.create_link("setup"), auth.create_link("setup")
    with pytest.raises(ForbiddenError, match="not known"):
        auth.redeem(old.secret)
    auth.redeem(new.secret)


def test_an_idle_session_ends_after_30_days_and_any_after_180(auth, clock):
    made = sign_in(auth)
    for _ in range(6):
        clock.now += 29 * DAY
        assert auth.authenticate(cookie(made.secret)) is not None
    clock.now += 7 * DAY
    assert auth.authenticate(cookie(made.secret)) is None
    other = sign_in(auth)
    clock.now += 30 * DAY
    assert auth.authenticate(cookie(other.secret)) is None
    assert auth.sessions() == []


def test_a_revoked_session_ends_at_once(auth):
    made = sign_in(auth)
    auth.revoke_session(made.principal.id)
    assert auth.authenticate(cookie(made.secret)) is None
    with pytest.raises(NotFoundError):
        auth.revoke_session(made.principal.id)


def test_the_cookie_of_another_port_is_another_servers(auth):
    made = sign_in(auth)
    assert auth.authenticate(cookie(made.secret, port=9000)) is None
    assert auth.authenticate(cookie(made.secret, port=9000), port=9000) is not None


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"cookie": ""},
        {"cookie": "__Host-rcg-8443="},
        {"cookie": "__Host-rcg-8443=guess"},
        {"cookie": ";;=;\x00"},
        {"authorization": ""},
        {"authorization": "Bearer"},
        {"authorization": "Bearer rcg_"},
        {"authorization": "Bearer guess"},
        {"authorization": "Basic cmNnOnJjZw=="},
        {"authorization": "Bearer rcg_" + "A" * 43},
    ],
)
def test_who_shows_nothing_good_is_nobody(auth, headers):
    sign_in(auth)
    assert auth.authenticate(headers) is None


def test_secrets_are_stored_hashed_only(auth, parts):
    link, made, token = auth.create_link(), sign_in(auth), auth.create_token("t", ["read"])
    folder = parts.settings.data_dir
    parts.db.engine.dispose()
    kept = b"".join(path.read_bytes() for path in folder.iterdir() if path.is_file())
    for secret in (link.secret, made.secret, token.secret):
        assert secret.encode() not in kept
    with parts.db.read() as session:
        for model in (OneTimeLink, SignInSession, ApiToken):
            assert {len(row.secret_hash) for row in session.query(model)} == {32}


def test_lengths_of_secrets(auth):
    # base64 of 16 and 32 bytes
    assert len(auth.create_link().secret) == 22
    assert len(sign_in(auth).secret) == 43
    token = auth.create_token("t", ["read"]).secret
    assert token.startswith("rcg_")
    assert len(token) == 47


def test_a_token_does_what_its_scopes_say_until_it_ends(auth, clock):
    token = auth.create_token("import", ["read", "capture"], days=2).secret
    principal = auth.authenticate(bearer(token))
    assert [scope for scope in ("read", "capture", "label", "train", "admin") if principal.may(scope)] == [
        "read",
        "capture",
    ]
    clock.now += 2 * DAY
    assert auth.authenticate(bearer(token)) is None


def test_a_revoked_token_ends_at_once(auth):
    token = auth.create_token("t", ["read"])
    auth.revoke_token(token.row.id)
    assert auth.authenticate(bearer(token.secret)) is None
    assert auth.tokens() == []


def test_last_use_is_written_but_not_each_time(auth, clock):
    made = auth.create_token("t", ["read"])
    used = []
    for wait in (0, MINUTE, 5 * MINUTE):
        clock.now += wait
        auth.authenticate(bearer(made.secret))
        used.append(auth.tokens()[0].last_used_at - 1_800_000_000_000)
    assert used == [0, 0, 6 * MINUTE]


def test_a_token_never_makes_a_wider_or_longer_one(auth):
    made = auth.create_token("maker", ["read", "capture"], days=1)
    maker = auth.authenticate(bearer(made.secret))
    with pytest.raises(ForbiddenError, match="has no admin"):
        auth.create_token("wide", ["read", "admin"], by=maker)
    for days in (None, 10):
        assert auth.create_token("long", ["read"], days=days, by=maker).row.expires_at == made.row.expires_at


@pytest.mark.parametrize(
    ("name", "scopes", "days"),
    [
        ("", ["read"], None),
        ("x" * 101, ["read"], None),
        ("t", [], None),
        ("t", ["root"], None),
        ("t", ["read"], 0),
    ],
)
def test_a_token_that_makes_no_sense(auth, name, scopes, days):
    with pytest.raises(InputError):
        auth.create_token(name, scopes, days=days)


def test_the_command_line_is_signed_in_and_stays_so(auth, tmp_path):
    path = auth.ensure_local_token(tmp_path, "https://localhost:8443", Path("/certs/ca.pem"))
    content = json.loads(path.read_text())
    assert path == tmp_path / "cli.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert (content["url"], content["ca"]) == ("https://localhost:8443", "/certs/ca.pem")
    assert auth.authenticate(bearer(content["token"])).may("admin")
    auth.ensure_local_token(tmp_path, "https://localhost:9000")
    assert json.loads(path.read_text()) == {
        "url": "https://localhost:9000",
        "token": content["token"],
        "ca": None,
    }


@pytest.mark.parametrize("damage", ["revoked", "no json", "no token", "not text"])
def test_a_command_line_token_that_is_no_good_is_replaced(auth, tmp_path, damage):
    path = auth.ensure_local_token(tmp_path, "https://localhost:8443")
    if damage == "revoked":
        auth.revoke_token(auth.tokens()[0].id)
    else:
        path.write_text({"no json": "{", "no token": "[]", "not text": '{"token": 5}'}[damage])
    auth.ensure_local_token(tmp_path, "https://localhost:8443")
    assert auth.authenticate(bearer(json.loads(path.read_text())["token"])).may("admin")
    assert len(auth.tokens()) == 1
    assert [file.name for file in tmp_path.iterdir() if "cli" in file.name] == ["cli.json"]


def test_guessing_is_throttled_by_address(auth):
    for _ in range(10):
        with pytest.raises(ForbiddenError, match="not known"):
            auth.redeem("guess", address="10.0.0.9")
    link = auth.create_link()
    with pytest.raises(TooManyRequestsError, match="Wait"):
        auth.redeem(link.secret, address="10.0.0.9")
    auth.redeem(link.secret, address="10.0.0.8")


def test_the_bucket_fills_again():
    now = [0.0]
    throttle = Throttle(per_minute=6, burst=2, clock=lambda: now[0])
    throttle.take("a")
    throttle.take("a")
    with pytest.raises(TooManyRequestsError) as caught:
        throttle.take("a")
    assert caught.value.data["retry_after_s"] in (10, 11)
    now[0] = 10.1
    throttle.take("a")


@pytest.mark.parametrize(
    ("agent", "name"),
    [
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Mobile/15E148 Safari/604.1",
            "Safari on iPhone",
        ),
        (
            "Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 Chrome/130.0 Mobile Safari/537.36",
            "Chrome on Android",
        ),
        ("Mozilla/5.0 (Windows NT 10.0) Chrome/130.0 Safari/537.36 Edg/130.0", "Edge on Windows"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15) Gecko/20100101 Firefox/131.0", "Firefox on macOS"),
        ("", "Browser"),
    ],
)
def test_devices_get_a_name_people_know(agent, name):
    assert device_name(agent) == name
