import hashlib

import pytest
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient
from starlette.routing import BaseRoute, Mount

from rcg.api.policy import PUBLIC_FOLDER, PUBLIC_PATHS, scopes_for
from rcg.api.security import SECURITY_HEADERS

ORIGIN = "https://rcg.test:8443"
TALK = "wss://rcg.test:8443/talk"


def every_route(routes: list[BaseRoute], prefix=""):
    """Each path and method of an app, through its mounts."""
    for route in routes:
        if isinstance(route, Mount):
            yield from every_route(route.routes, prefix + route.path)
        elif hasattr(route, "original_router"):
            yield from every_route(route.original_router.routes, prefix)
        else:
            for method in sorted(route.methods or ()):
                yield method, prefix + route.path, route


def paths(root):
    found = [(method, path) for method, path, _ in every_route(root.routes)]
    assert len({path for _, path in found}) > 30, "the walk does not reach the mounted API"
    return found


def filled(path):
    for name in ("card_id", "capture_id", "grade_id", "job_id", "session_id", "token_id"):
        path = path.replace("{" + name + "}", "0" * 32)
    return (
        path.replace("{sha256}", "0" * 64)
        .replace("{light}", "up")
        .replace("{side}", "front")
        .replace("{name}", "x")
    )


def test_every_route_but_the_public_ones_refuses_a_stranger(root, stranger):
    answered = set()
    for method, path in paths(root):
        response = stranger.request(method, filled(path))
        if response.status_code != 401:
            answered.add(path)
        elif method != "HEAD":
            assert set(response.json()) == {"error", "detail", "hint"}
            assert "rcg token create" in response.json()["hint"]
            assert "rcg link" in response.json()["hint"]
    assert answered == {"/api/health", "/api/auth/redeem", "/sign-in"}
    assert answered <= PUBLIC_PATHS


def test_the_public_list_is_as_agreed():
    """A change of what is public has to be made here too, on purpose."""
    assert PUBLIC_FOLDER == "/static/"
    assert set(PUBLIC_PATHS) == {
        "/health",
        "/health/live",
        "/health/ready",
        "/api/health",
        "/sign-in",
        "/link",
        "/pair",
        "/certificate",
        "/certificate/rcg-ca.crt",
        "/api/auth/redeem",
        "/favicon.ico",
    }


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/nowhere",
        "/api",
        "/api/",
        "/api/nowhere",
        "/api/docs",
        "/api/openapi.json",
        "/static",
        "/health/x",
        "/link/x",
    ],
)
def test_what_does_not_exist_is_not_told_to_strangers(stranger, path):
    assert stranger.get(path).status_code == 401


CLIMBS = [
    "/static/../page",
    "/static/%2e%2e/page",
    "/static/..%2fpage",
    "/static/%2e%2e%2fpage",
    "/static/..\\page",
    "/static/..%5cpage",
    "/static/./../page",
    "/static//..//page",
    "/link/../page",
    "/static/%00",
    "/static/a%0d%0ab",
    "/api/health/../cards",
    "/api/health/%2e%2e/cards",
    "//page",
    "/%2e/page",
    "/static/..%252fpage",
]


@pytest.mark.parametrize("path", CLIMBS)
def test_nobody_climbs_out_of_the_public_folder(root, path):
    """The path reaches the app as a server hands it over: decoded once, not normalised."""
    from urllib.parse import unquote

    status = ask(root, unquote(path))
    assert status in {401, 404}


def ask(root, path, method="GET", headers=()):
    import anyio

    statuses = []

    async def receive():
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message):
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [(b"host", b"rcg.test:8443"), *headers],
        "server": ("rcg.test", 8443),
        "client": ("10.0.0.1", 5),
        "scheme": "https",
    }
    anyio.run(root, scope, receive, send)
    return statuses[0]


def test_a_page_sends_a_stranger_to_the_sign_in_and_remembers_the_way(stranger):
    response = stranger.get("/page?a=1&b=%2F", headers={"accept": "text/html,*/*"})
    assert response.status_code == 303
    assert response.headers["location"] == "/sign-in?next=/page%3Fa%3D1%26b%3D%252F"


@pytest.mark.parametrize(
    "host", ["evil.example", "rcg.test.evil.example", "", "127.0.0.1", "[::1", "rcg.test@evil.example"]
)
def test_a_host_that_is_not_ours_is_refused_and_named(stranger, host):
    response = stranger.get("/api/health", headers={"host": host})
    assert response.status_code == 421
    assert "server.names" in response.json()["hint"]
    assert host in response.json()["detail"]


@pytest.mark.parametrize("host", ["rcg.test", "rcg.test:8443", "RCG.Test:8443", "rcg.test."])
def test_our_host_in_any_form(stranger, host):
    assert stranger.get("/api/health", headers={"host": host}).status_code == 200


@pytest.fixture
def browser(root, parts):
    """A signed-in browser."""
    client = TestClient(root, base_url=ORIGIN, follow_redirects=False)
    assert (
        client.post("/api/auth/redeem", json={"secret": parts.auth.create_link().secret}).status_code == 200
    )
    return client


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"sec-fetch-site": "same-origin"}, 201),
        ({"sec-fetch-site": "none"}, 201),
        ({"sec-fetch-site": "same-site"}, 403),
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"sec-fetch-site": "cross-site", "origin": ORIGIN}, 403),
        ({"origin": ORIGIN}, 201),
        ({"origin": "https://evil.example"}, 403),
        ({"origin": "https://rcg.test:9000"}, 403),
        ({"origin": "null"}, 403),
        ({}, 201),
    ],
)
def test_another_sites_page_changes_nothing(browser, headers, status):
    assert browser.post("/api/cards", json={"name": "x"}, headers=headers).status_code == status


def test_looking_is_not_changing(browser):
    assert browser.get("/page", headers={"sec-fetch-site": "cross-site"}).status_code == 200


def test_a_token_without_cookie_needs_no_origin_but_with_one_does(client, browser):
    evil = {"origin": "https://evil.example"}
    assert client.post("/api/cards", json={"name": "x"}, headers=evil).status_code == 201
    client.cookies.update(browser.cookies)
    assert client.post("/api/cards", json={"name": "x"}, headers=evil).status_code == 403


def test_redeeming_across_sites_is_refused(stranger, parts):
    link = parts.auth.create_link()
    for headers, status in (
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"sec-fetch-site": "same-origin"}, 200),
    ):
        assert (
            stranger.post("/api/auth/redeem", json={"secret": link.secret}, headers=headers).status_code
            == status
        )


def test_the_cookie_is_as_strict_as_they_come(stranger, parts):
    response = stranger.post("/api/auth/redeem", json={"secret": parts.auth.create_link().secret})
    name, _, rest = response.headers["set-cookie"].partition("=")
    assert name == "__Host-rcg-8443"
    flags = {part.strip().lower() for part in rest.split(";")[1:]}
    assert {"secure", "httponly", "samesite=strict", "path=/"} <= flags
    assert not any(flag.startswith("domain") for flag in flags)
    assert response.headers["cache-control"] == "no-store"


def test_signing_out_ends_the_session_and_takes_the_cookie(browser, root):
    kept = dict(browser.cookies)
    response = browser.post("/api/auth/sign-out")
    assert response.status_code == 204
    assert "max-age=0" in response.headers["set-cookie"].lower()
    assert TestClient(root, base_url=ORIGIN, cookies=kept).get("/page").status_code == 401


SCOPES = [
    ("GET", "/api/cards", "read"),
    ("GET", "/api/jobs", "read"),
    ("GET", "/api/events", "read"),
    ("GET", "/page", "read"),
    ("GET", "/api/openapi.json", "read"),
    ("GET", "/api/system", "read"),
    ("GET", "/grade/cards/1", "read"),
    ("POST", "/api/cards", "capture"),
    ("PUT", "/api/blobs/1", "capture"),
    ("GET", "/api/blobs/1", "capture"),
    ("HEAD", "/api/blobs/1", "capture"),
    ("POST", "/api/datasets", "label"),
    ("POST", "/api/datasets/1/files", "label"),
    ("DELETE", "/api/items/1", "label"),
    ("PUT", "/api/kinds/mine", "label"),
    ("POST", "/api/recipes/preview", "label"),
    ("GET", "/api/versions/1/manifest", "read"),
    ("POST", "/api/training/start", "train"),
    ("POST", "/api/models/1/use", "train"),
    ("POST", "/api/revolutionary-training/execute", "train"),
    ("POST", "/api/demo", "capture"),
    ("DELETE", "/api/captures/1", "capture"),
    ("POST", "/api/grade", "capture"),
    ("GET", "/api/tokens", "admin"),
    ("POST", "/api/tokens", "admin"),
    ("GET", "/api/sessions", "admin"),
    ("POST", "/api/links", "admin"),
    ("GET", "/api/settings", "admin"),
    ("GET", "/api/logs", "admin"),
    ("GET", "/settings", "admin"),
    ("GET", "/settings/log", "admin"),
    ("POST", "/page", "admin"),
    ("POST", "/api/cardsx", "admin"),
    ("DELETE", "/", "admin"),
]


@pytest.mark.parametrize(("method", "path", "scope"), SCOPES)
def test_which_scope_what_needs(method, path, scope):
    assert scopes_for(method, path) == (scope,)


def test_whoever_may_start_a_job_may_cancel_one():
    assert scopes_for("POST", "/api/jobs/1/cancel") == ("capture", "label", "train")


@pytest.mark.parametrize(
    ("scope", "allowed"),
    [
        ("read", {"look"}),
        ("capture", {"add"}),
        ("label", set()),
        ("train", set()),
        ("admin", {"look", "add", "own"}),
    ],
)
def test_a_token_may_do_what_its_scope_says_and_no_more(script, scope, allowed, photo):
    client = script(scope)
    data = photo()
    address = f"/api/blobs/{hashlib.sha256(data).hexdigest()}"
    tries = {
        "look": [("GET", "/api/cards", {}), ("GET", "/api/system", {}), ("GET", "/page", {})],
        "add": [
            ("POST", "/api/cards", {"json": {"name": "x"}}),
            ("PUT", address, {"content": data}),
            ("GET", address, {}),
            ("POST", "/api/demo", {}),
        ],
        "own": [
            ("GET", "/api/tokens", {}),
            ("GET", "/api/sessions", {}),
            ("POST", "/api/links", {}),
            ("GET", "/api/settings", {}),
            ("POST", "/api/tokens", {"json": {"name": "t", "scopes": ["read"]}}),
        ],
    }
    for kind, requests in tries.items():
        for method, path, body in requests:
            response = client.request(method, path, **body)
            if kind in allowed:
                assert response.status_code in {200, 201, 202}, (method, path, response.text)
            else:
                assert response.status_code == 403, (method, path, response.text)
                assert "scope" in response.json()["detail"]
    assert client.get("/api/me").json()["scopes"] == [scope]


def test_every_answer_carries_the_security_headers(stranger, client):
    answers = [
        stranger.get("/page"),
        stranger.get("/api/health"),
        stranger.get("/page", headers={"accept": "text/html"}),
        stranger.get("/page", headers={"host": "evil.example"}),
        client.get("/page"),
        client.get("/api/docs"),
        client.get("/nowhere"),
        client.get("/broken"),
        client.post("/api/cards", content=b"x" * 3_000_000),
    ]
    assert [answer.status_code for answer in answers] == [401, 200, 303, 421, 200, 200, 404, 500, 413]
    for answer in answers:
        assert {name: answer.headers.get(name) for name in SECURITY_HEADERS} == SECURITY_HEADERS
        assert "access-control-allow-origin" not in answer.headers


def test_the_docs_page_has_no_inline_script_or_style(client):
    page = client.get("/api/docs").text
    assert "<script>" not in page
    assert "style=" not in page
    assert "http" not in page.replace("https", "http").replace('charset="utf-8"', "")


def test_a_websocket_of_a_stranger_is_closed(root, stranger, client):
    from starlette.websockets import WebSocket, WebSocketDisconnect

    async def talk(socket: WebSocket) -> None:
        await socket.accept()
        await socket.send_text("in")
        await socket.close()

    root.add_api_websocket_route("/talk", talk)
    with pytest.raises(WebSocketDisconnect) as caught, stranger.websocket_connect(TALK):
        pass
    assert (caught.value.code, caught.value.reason) == (1008, "You are not signed in.")
    with client.websocket_connect(TALK) as socket:
        assert socket.receive_text() == "in"


def test_a_websocket_from_another_sites_page_is_closed(root, browser):
    from starlette.websockets import WebSocketDisconnect

    async def talk(socket) -> None:
        await socket.accept()

    root.add_api_websocket_route("/talk", talk)
    with (
        pytest.raises(WebSocketDisconnect, check=lambda error: "another site" in error.reason),
        browser.websocket_connect(TALK, headers={"origin": "https://evil.example"}),
    ):
        pass


def test_api_routes_are_declared_thinly(root):
    """A router function that grows past a screen holds logic that belongs to a service."""
    import inspect

    for _, path, route in every_route(root.routes):
        if isinstance(route, APIRoute) and route.endpoint.__module__.startswith("rcg.api"):
            assert len(inspect.getsource(route.endpoint).splitlines()) < 55, path
