"""The whole application as the server assembles it: every route of every mount, asked by a stranger."""

import re

import pytest
from fastapi.testclient import TestClient
from starlette.routing import Mount

from rcg.api.policy import PUBLIC_FOLDER, PUBLIC_PATHS
from rcg.app import create_app
from rcg.settings import Settings

ORIGIN = "https://localhost:8443"


@pytest.fixture(scope="module")
def app(tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RCG_HOME", str(home))
        (home / "data").mkdir()
        app = create_app(Settings(data_dir=home / "data", log_dir=home / "logs", certs_dir=home / "certs"))
        with TestClient(app, base_url=ORIGIN):
            yield app


def every_route(routes, prefix=""):
    for route in routes:
        if hasattr(route, "original_router"):
            yield from every_route(route.original_router.routes, prefix)
        elif isinstance(route, Mount) and route.routes:
            yield from every_route(route.routes, prefix + route.path)
        else:
            methods = getattr(route, "methods", None) or {"GET"}
            for method in sorted(methods):
                yield method, prefix + route.path


def test_a_stranger_gets_nothing_but_what_is_public(app):
    stranger = TestClient(app, base_url=ORIGIN, follow_redirects=False)
    asked, answered = set(), set()
    for method, pattern in every_route(app.routes):
        path = re.sub(r"\{(\w+)(:\w+)?\}", "0", pattern) or "/"
        path = {"/static": "/static/nothing"}.get(path, path)
        asked.add(path)
        for headers in ({}, {"accept": "text/html"}):
            response = stranger.request(method, path, headers=headers)
            if response.status_code == 401:
                continue
            leads = response.headers.get("location", "")
            if response.status_code == 303 and leads.startswith(("/sign-in?next=", "/pair?next=")):
                continue
            answered.add(path)
    assert len(asked) > 45, "the walk does not reach the mounts"
    assert "/api/cards" in asked
    assert {path for path in asked if path.startswith("/grade")}
    assert {path for path in answered if not path.startswith(PUBLIC_FOLDER)} <= PUBLIC_PATHS


def test_the_owner_gets_every_page_that_needs_no_thing(app):
    token = app.state.container.auth.create_token("test", ["admin"]).secret
    owner = TestClient(app, base_url=ORIGIN, headers={"authorization": f"Bearer {token}"})
    for method, path in every_route(app.routes):
        if method == "GET" and "{" not in path and path not in {"/api/events", "/static"}:
            response = owner.get(path or "/", headers={"accept": "text/html"})
            assert response.status_code in {200, 404}, (path, response.text[:200])
            if response.status_code == 404:
                assert path in {"/api/logs", "/favicon.ico", "/certificate/rcg-ca.crt"}, path
