import pytest

from rcg.errors import NotFoundError
from rcg.store.blobs import BlobInfo
from rcg.store.db import Database
from rcg.store.migrate import migrate
from rcg.store.models import Job
from rcg.store.repositories import blobs, captures, cards, grades, jobs
from rcg.store.repositories.grades import NewLayer

SHA = "a" * 64
OTHER = "b" * 64


@pytest.fixture
def session(tmp_path):
    db = Database.in_folder(tmp_path)
    migrate(db)
    with db.write() as session:
        for sha in (SHA, OTHER):
            blobs.ensure(session, BlobInfo(sha, 10), "image/jpeg")
        yield session
    db.close()


def names(page):
    return [row.name for row in page.rows]


def make_cards(session, *rows):
    for at, (name, set_name) in enumerate(rows):
        cards.add(session, name=name, set_name=set_name).created_at = 1000 + at
    session.flush()


def grade_of(session, card, score, at, job):
    row = grades.add(
        session,
        card_id=card.id,
        job_id=job,
        report_sha256=SHA,
        overall=str(score),
        score=score,
        layers=[
            NewLayer("front", "colour", SHA, 100, 140, 20.0, 3.0),
            NewLayer("front", "thumbnail", OTHER, 50, 70, 5.0, 3.0),
        ],
    )
    row.created_at = at
    session.flush()
    return row


def test_cards_are_found_by_every_word_in_any_field_and_case(session):
    make_cards(session, ("Charizard", "Base Set"), ("Pikachu", "Jungle"), ("Dark Charizard", "Team Rocket"))
    assert names(cards.listing(session, q="charizard")) == ["Dark Charizard", "Charizard"]
    assert names(cards.listing(session, q="CHARI base")) == ["Charizard"]
    assert names(cards.listing(session, q="mewtwo")) == []


def test_signs_of_a_pattern_are_only_signs(session):
    make_cards(session, ("100% mint", ""), ("100 mint", ""), ("a_b", ""), ("axb", ""), ("c\\d", ""))
    assert names(cards.listing(session, q="100%")) == ["100% mint"]
    assert names(cards.listing(session, q="a_b")) == ["a_b"]
    assert names(cards.listing(session, q="\\")) == ["c\\d"]


def test_pages_cover_the_list_once(session):
    make_cards(session, *((f"card {n}", "") for n in range(7)))
    seen, offset = [], 0
    while offset is not None:
        page = cards.listing(session, offset=offset, limit=3, sort="oldest")
        assert page.total == 7
        seen += names(page)
        offset = page.next_offset
    assert seen == [f"card {n}" for n in range(7)]


def test_sorting(session):
    make_cards(session, ("b", ""), ("A", ""), ("c", ""))
    by_name = {card.name: card for card in cards.listing(session).rows}
    grade_of(session, by_name["b"], 900.0, 5, "1" * 32)
    grade_of(session, by_name["b"], 500.0, 6, "2" * 32)  # the latest counts
    grade_of(session, by_name["c"], 700.0, 5, "3" * 32)
    assert names(cards.listing(session, sort="name")) == ["A", "b", "c"]
    assert names(cards.listing(session, sort="newest")) == ["c", "A", "b"]
    assert names(cards.listing(session, sort="score")) == ["c", "b", "A"]


def test_a_frame_of_a_light_is_replaced_and_keeps_its_place(session):
    capture = captures.add(session, cards.add(session, name="x"), "front")
    for light in ("up", "right", "down"):
        _, new = captures.put_frame(session, capture, light=light, sha256=SHA, file_name=f"{light}.jpg")
        assert new
    frame, new = captures.put_frame(session, capture, light="right", sha256=OTHER, file_name="again.jpg")
    assert (new, frame.position) == (False, 1)
    assert [(f.light, f.blob_sha256) for f in captures.get(session, capture.id).frames] == [
        ("up", SHA),
        ("right", OTHER),
        ("down", SHA),
    ]
    captures.delete_frame(session, capture, "up")
    assert [f.light for f in captures.get(session, capture.id).frames] == ["right", "down"]
    with pytest.raises(NotFoundError, match="right, down"):
        captures.delete_frame(session, capture, "up")


def test_the_newest_capture_that_has_frames_is_graded(session):
    card = cards.add(session, name="x")
    first, second, empty = (captures.add(session, card, "front") for _ in range(3))
    first.created_at, second.created_at, empty.created_at = 1, 2, 3
    for capture in (first, second):
        captures.put_frame(session, capture, light="up", sha256=SHA, file_name="up.jpg")
    assert captures.newest_of_side(session, card.id, "front").id == second.id
    assert captures.newest_of_side(session, card.id, "back") is None


def test_a_deleted_card_takes_all_that_is_its_own(session):
    card = cards.add(session, name="x")
    capture = captures.add(session, card, "front")
    captures.put_frame(session, capture, light="up", sha256=SHA, file_name="up.jpg")
    grade = grade_of(session, card, 900.0, 5, "1" * 32)
    session.expire_all()
    cards.delete(session, cards.get(session, card.id))
    session.expire_all()
    assert cards.find(session, card.id) is None
    assert grades.find(session, grade.id) is None
    assert blobs.get(session, SHA) is not None
    with pytest.raises(NotFoundError):
        captures.get(session, capture.id)


def test_grades_newest_first_with_layers_in_order(session):
    card = cards.add(session, name="x")
    old, new = grade_of(session, card, 1.0, 5, "1" * 32), grade_of(session, card, 2.0, 6, "2" * 32)
    assert [row.id for row in grades.of_card(session, card.id)] == [new.id, old.id]
    assert [layer.name for layer in grades.get(session, new.id).layers] == ["colour", "thumbnail"]
    assert grades.of_job(session, "1" * 32).id == old.id
    assert grades.layer(session, new.id, "front", "thumbnail").blob_sha256 == OTHER
    with pytest.raises(NotFoundError, match="front/colour, front/thumbnail"):
        grades.layer(session, new.id, "back", "colour")


def test_jobs_by_state_kind_and_subject(session):
    for at, (state, subject) in enumerate(
        [("queued", "card:1"), ("running", "card:1"), ("done", "card:1"), ("queued", "card:2")]
    ):
        session.add(
            Job(kind="grade", title=f"job {at}", subject=subject, spec={}, state=state, created_at=at)
        )
    session.flush()

    def titles(**filters):
        return [job.title for job in jobs.listing(session, **filters).rows]

    assert titles() == ["job 3", "job 2", "job 1", "job 0"]
    assert titles(states=["queued"]) == ["job 3", "job 0"]
    assert titles(subject="card:1", states=["done", "running"]) == ["job 2", "job 1"]
    assert titles(kind="demo") == []
    assert [job.title for job in jobs.active_of(session, "card:1", "grade")] == ["job 0", "job 1"]
    assert jobs.count_by_state(session) == {"queued": 2, "running": 1, "done": 1}
