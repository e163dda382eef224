import pytest
from fastapi.testclient import TestClient

ORIGIN = "https://rcg.test:8443"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


@pytest.fixture
def sign_in(root, parts):
    """Signs another browser in."""

    def make():
        client = TestClient(root, base_url=ORIGIN, headers={"user-agent": FIREFOX})
        link = parts.auth.create_link()
        response = client.post("/api/auth/redeem", json={"secret": link.path.removeprefix("/link#")})
        assert response.status_code == 200
        return client

    return make


def test_a_browser_signs_in_by_a_link_made_in_another(sign_in, root):
    first = sign_in()
    link = first.post("/api/links").json()
    assert link["path"].startswith("/link#")
    second = TestClient(root, base_url=ORIGIN)
    body = {"secret": link["path"].removeprefix("/link#")}
    assert second.post("/api/auth/redeem", json=body).json()["kind"] == "session"
    assert second.get("/api/me").json()["scopes"] == ["admin", "capture", "label", "read", "train"]
    again = TestClient(root, base_url=ORIGIN).post("/api/auth/redeem", json=body)
    assert again.status_code == 403
    assert "rcg link" in again.json()["hint"]
    assert "set-cookie" not in again.headers


def test_devices_are_listed_renamed_and_signed_out(sign_in):
    mine, other = sign_in(), sign_in()
    devices = {device["current"]: device for device in mine.get("/api/sessions").json()}
    assert devices[True]["device"] == devices[False]["device"] == "Firefox on Linux"
    path = f"/api/sessions/{devices[False]['id']}"
    assert mine.patch(path, json={"device": "the tablet"}).json()["device"] == "the tablet"
    assert other.get("/api/me").json()["name"] == "the tablet"
    assert mine.delete(path).status_code == 204
    assert other.get("/api/me").status_code == 401
    assert [device["current"] for device in mine.get("/api/sessions").json()] == [True]


def test_a_token_is_shown_once_works_and_is_revoked(sign_in, root):
    browser = sign_in()
    made = browser.post("/api/tokens", json={"name": "import", "scopes": ["read"], "days": 30})
    assert (made.status_code, made.headers["cache-control"]) == (201, "no-store")
    script = TestClient(root, base_url=ORIGIN, headers={"authorization": f"Bearer {made.json()['token']}"})
    assert script.get("/api/cards").status_code == 200
    (listed,) = browser.get("/api/tokens").json()
    assert "token" not in listed
    assert listed["last_used_at"] >= listed["created_at"]
    assert listed["expires_at"] - listed["created_at"] == pytest.approx(30 * 86_400_000, abs=5000)
    assert browser.delete(f"/api/tokens/{listed['id']}").status_code == 204
    assert script.get("/api/cards").status_code == 401


def test_a_token_neither_signs_out_nor_widens_itself(script):
    admin = script("admin")
    assert admin.post("/api/auth/sign-out").status_code == 409
    reader = script("read")
    assert reader.post("/api/tokens", json={"name": "t", "scopes": ["read"]}).status_code == 403
    assert admin.post("/api/tokens", json={"name": "t", "scopes": ["root"]}).status_code == 422
    assert admin.post("/api/tokens", json={"name": "t", "scopes": []}).status_code == 422


def test_a_scheme_other_than_bearer_is_not_read(root, parts):
    token = parts.auth.create_token("t", ["read"]).secret
    for value in (f"Basic {token}", token, f"Token {token}"):
        client = TestClient(root, base_url=ORIGIN, headers={"authorization": value})
        assert client.get("/api/me").status_code == 401
    assert (
        TestClient(root, base_url=ORIGIN, headers={"authorization": f"bearer {token}"})
        .get("/api/me")
        .status_code
        == 200
    )


def test_a_token_in_the_address_is_not_read(stranger, parts):
    token = parts.auth.create_token("t", ["admin"]).secret
    assert stranger.get("/api/me", params={"token": token, "access_token": token}).status_code == 401


def test_guessing_links_is_slowed_down(stranger):
    answers = [stranger.post("/api/auth/redeem", json={"secret": f"guess{n}"}) for n in range(11)]
    assert [answer.status_code for answer in answers] == [403] * 10 + [429]
    assert int(answers[-1].headers["retry-after"]) > 0
