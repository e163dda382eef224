"""The mat by REST: the sheet, and what was measured of its print reaching the jobs."""

import pytest
from fastapi.testclient import TestClient

from rcg.api.services import grading
from rcg.capture.mat.sheet import sheet


def client_with(root, parts, *scopes):
    token = parts.auth.create_token("test", list(scopes)).secret
    return TestClient(root, base_url="https://rcg.test:8443", headers={"authorization": f"Bearer {token}"})


@pytest.fixture
def client(root, parts):
    return client_with(root, parts, "capture", "read")


@pytest.mark.parametrize("paper", ["a4", "letter"])
def test_the_sheet(client, paper):
    answer = client.get(f"/api/mat?paper={paper}")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/pdf"
    assert answer.headers["content-disposition"] == f'inline; filename="rcg-mat-{paper}.pdf"'
    assert answer.content == sheet(paper)
    saved = client.get(f"/api/mat?paper={paper}&download=true")
    assert saved.headers["content-disposition"].startswith("attachment")
    picture = client.get(f"/api/mat/preview?paper={paper}")
    assert picture.headers["content-type"].startswith("image/svg+xml")
    assert picture.text.startswith("<svg ")


def test_another_paper_is_refused(client):
    for path in ("/api/mat?paper=a3", "/api/mat/preview?paper=a3"):
        answer = client.get(path)
        assert answer.status_code == 422
        assert set(answer.json()) >= {"error", "detail", "hint"}


def test_the_bar_is_kept_replaced_and_forgotten(client):
    nothing = {"bar_mm": None, "scale": None, "measured_at": None}
    assert client.get("/api/mat/print").json() == nothing
    first = client.put("/api/mat/print", json={"bar_mm": 97.0}).json()
    assert first["scale"] == pytest.approx(0.97)
    assert first["measured_at"] > 0
    client.put("/api/mat/print", json={"bar_mm": 99.5})
    assert client.get("/api/mat/print").json()["bar_mm"] == 99.5
    assert client.delete("/api/mat/print").status_code == 204
    assert client.delete("/api/mat/print").status_code == 204, "forgetting twice is no error"
    assert client.get("/api/mat/print").json() == nothing


@pytest.mark.parametrize("bar", [0, -5, 79.9, 121, "long", None, 1e999])
def test_a_length_that_no_ruler_shows_is_refused(client, bar):
    import json

    answer = client.put(
        "/api/mat/print", content=json.dumps({"bar_mm": bar}), headers={"content-type": "application/json"}
    )
    assert answer.status_code == 422
    assert client.get("/api/mat/print").json()["bar_mm"] is None


def test_who_may(root, parts):
    reader = client_with(root, parts, "read")
    assert reader.get("/api/mat").status_code == 200
    assert reader.put("/api/mat/print", json={"bar_mm": 99}).status_code == 403
    assert TestClient(root, base_url="https://rcg.test:8443").get("/api/mat").status_code == 401


def test_the_measured_bar_goes_into_the_specs_of_jobs(client, parts):
    with parts.db.read() as session:
        assert grading.mat_scale_of(session) == {}
    client.put("/api/mat/print", json={"bar_mm": 98.0})
    with parts.db.read() as session:
        assert grading.mat_scale_of(session) == {"mat_scale": 0.98}
