import hashlib

import pytest

from rcg.store.repositories import blobs, cards, grades
from rcg.store.repositories.grades import NewLayer

REPORT = b'{"card":{"name":"Pok\xc3\xa9mon / 1"}}\n'


@pytest.fixture
def graded(parts, photo):
    """A card with a grade that has two layers."""
    report = parts.blobs.add(REPORT)
    pictures = [parts.blobs.add(photo(n, "WEBP")) for n in range(2)]
    with parts.db.write() as session:
        blobs.ensure(session, report, "application/json")
        for picture in pictures:
            blobs.ensure(session, picture, "image/webp")
        card = cards.add(session, name="Pokémon / 1")
        return grades.add(
            session,
            card_id=card.id,
            job_id="1" * 32,
            report_sha256=report.sha256,
            overall="9",
            score=912.5,
            layers=[
                NewLayer("front", "light:up", pictures[0].sha256, 1380, 1880, 20.0, 3.0),
                NewLayer("front", "thumbnail", pictures[1].sha256, 138, 188, 2.0, 3.0),
            ],
        )


def test_the_report_is_the_same_bytes_that_were_made(client, graded):
    response = client.get(f"/api/grades/{graded.id}")
    assert response.content == REPORT
    assert response.headers["content-type"] == "application/json"
    assert response.headers["etag"] == f'"{hashlib.sha256(REPORT).hexdigest()}"'


def test_the_report_can_be_saved(client, graded):
    response = client.get(f"/api/grades/{graded.id}/report.json")
    assert response.content == REPORT
    assert response.headers["content-disposition"] == 'attachment; filename="pok-mon-1.grade.json"'


def test_a_card_lists_its_grades_with_a_thumbnail(client, graded, photo):
    (summary,) = client.get(f"/api/cards/{graded.card_id}/grades").json()
    assert (summary["overall"], summary["score"], summary["job_id"]) == ("9", 912.5, "1" * 32)
    assert client.get(summary["report_url"]).content == REPORT
    assert client.get(summary["thumbnail_url"]).content == photo(1, "WEBP")
    assert client.get(f"/api/cards/{graded.card_id}").json()["grades"] == [summary]


def test_layers_are_listed_with_their_scale_and_load(client, graded, photo):
    listed = client.get(f"/api/grades/{graded.id}/layers").json()
    assert [(layer["side"], layer["name"], layer["width_px"], layer["px_per_mm"]) for layer in listed] == [
        ("front", "light:up", 1380, 20.0),
        ("front", "thumbnail", 138, 2.0),
    ]
    for n, layer in enumerate(listed):
        response = client.get(layer["url"])
        assert response.content == photo(n, "WEBP")
        assert response.headers["content-type"] == "image/webp"
        assert "immutable" in response.headers["cache-control"]
        assert "private" in response.headers["cache-control"]
        again = client.get(layer["url"], headers={"if-none-match": f'"x", W/{response.headers["etag"]}'})
        assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize("path", ["front/colour", "back/thumbnail"])
def test_a_layer_that_is_not_there_says_which_are(client, graded, path):
    response = client.get(f"/api/grades/{graded.id}/layers/{path}")
    assert response.status_code == 404
    assert "front/light:up, front/thumbnail" in response.json()["hint"]


def test_a_side_that_no_card_has(client, graded):
    response = client.get(f"/api/grades/{graded.id}/layers/top/colour")
    assert response.status_code == 422
    assert '"top"' in response.json()["detail"]


def test_a_report_whose_file_is_gone_is_said_so(client, graded, parts):
    parts.blobs.path(graded.report_sha256).unlink()
    response = client.get(f"/api/grades/{graded.id}")
    assert response.status_code == 404
    assert graded.report_sha256 in response.json()["detail"]
