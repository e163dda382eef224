import errno
import logging
import re
import sqlite3

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from starlette.requests import Request
from starlette.responses import HTMLResponse

from rcg.api.errors import install_errors
from rcg.api.subapp import make_subapp
from rcg.errors import ConflictError, NotFoundError, UnavailableError


def test_the_unforeseen_gives_a_reference_that_stands_in_the_log_and_no_more(client, caplog):
    with caplog.at_level(logging.ERROR):
        response = client.get("/broken")
    assert response.status_code == 500
    body = response.json()
    assert body["error"] == "internal_error"
    assert "secret" not in response.text
    reference = re.search(r"reference ([0-9a-f]{8})", body["detail"])[1]
    (record,) = [record for record in caplog.records if reference in record.getMessage()]
    assert "the secret inside" in str(record.exc_info[1])


@pytest.fixture
def mounted():
    """A mounted app, as an area with pages makes it."""

    def page(request: Request, error):
        if "text/html" not in request.headers.get("accept", ""):
            return None
        return HTMLResponse(f"<p>{error.detail}</p>", error.status)

    area = make_subapp("the container", "Area", error_page=page)

    @area.get("/gone")
    def gone():
        raise NotFoundError("It is gone.", "Look elsewhere.", place="here")

    @area.get("/down")
    def down():
        raise UnavailableError("Valkey is down.")

    @area.get("/full/{where}")
    def full(where: str):
        if where == "file":
            raise OSError(errno.ENOSPC, "No space left on device")
        database = sqlite3.connect(":memory:")
        database.execute("CREATE TABLE card (notes TEXT)")
        database.execute("PRAGMA max_page_count = 2")
        database.execute("INSERT INTO card VALUES (zeroblob(100000))")

    @area.get("/number/{n}")
    def number(n: int):
        return n / 0

    root = FastAPI()
    root.mount("/area", area)
    install_errors(root)
    assert area.state.container == "the container"
    return TestClient(root)


def test_a_mounted_app_answers_in_the_one_form(mounted):
    response = mounted.get("/area/gone")
    assert (response.status_code, response.headers["cache-control"]) == (404, "no-store")
    assert response.json() == {
        "error": "not_found",
        "detail": "It is gone.",
        "hint": "Look elsewhere.",
        "data": {"place": "here"},
    }
    assert mounted.get("/area/down").status_code == 503
    assert mounted.get("/area/nowhere").json()["detail"] == "There is nothing at /area/nowhere."
    assert '"x"' in mounted.get("/area/number/x").json()["detail"]
    assert mounted.get("/area/number/1").status_code == 500
    assert mounted.post("/area/gone").json()["hint"] == "It takes GET."


@pytest.mark.parametrize(
    ("path", "status"), [("gone", 404), ("down", 503), ("nowhere", 404), ("number/x", 422), ("number/1", 500)]
)
def test_a_page_shows_the_same_words(mounted, path, status):
    plain = mounted.get(f"/area/{path}")
    page = mounted.get(f"/area/{path}", headers={"accept": "text/html"})
    assert page.status_code == plain.status_code == status
    if status != 500:
        assert page.text == f"<p>{plain.json()['detail']}</p>"


@pytest.mark.parametrize("where", ["file", "database"])
def test_a_full_disk_is_said_so(mounted, where):
    response = mounted.get(f"/area/full/{where}")
    assert (response.status_code, response.json()["error"]) == (503, "unavailable")
    assert "disk of the data folder is full" in response.json()["detail"]


def test_an_error_after_the_answer_began_is_not_hidden():
    from starlette.responses import StreamingResponse

    app = FastAPI()

    @app.get("/stream")
    def stream():
        def body():
            yield b"begun"
            raise ConflictError("too late")

        return StreamingResponse(body())

    install_errors(app)
    with pytest.raises(Exception, match="response already started"):
        TestClient(app).get("/stream")
