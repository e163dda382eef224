import hashlib

import pytest

from rcg.store.models import Job

NOTHING = "0" * 32


def sha256(data):
    return hashlib.sha256(data).hexdigest()


@pytest.fixture
def card(client):
    return client.post("/api/cards", json={"name": " Charizard ", "set_name": "Base Set"}).json()


@pytest.fixture
def capture(client, card):
    return client.post(f"/api/cards/{card['id']}/captures", json={"side": "front"}).json()


def put(client, data):
    response = client.put(f"/api/blobs/{sha256(data)}", content=data)
    assert response.status_code in {200, 201}, response.text
    return sha256(data)


def lit(client, capture, photo, *lights):
    for shade, light in enumerate(lights):
        sha = put(client, photo(shade))
        path = f"/api/captures/{capture['id']}/frames/{light}"
        assert client.put(path, json={"sha256": sha, "file_name": f"{light}.jpg"}).status_code == 201


def test_a_card_is_made_read_changed_and_deleted(client, card):
    path = f"/api/cards/{card['id']}"
    assert card["name"] == "Charizard"
    assert client.get(path).json() == card
    changed = client.patch(path, json={"notes": "from grandma", "width_mm": 63.5, "height_mm": 88.9}).json()
    assert changed == {**card, "notes": "from grandma", "width_mm": 63.5, "height_mm": 88.9}
    back = client.patch(path, json={"width_mm": None, "height_mm": None}).json()
    assert (back["width_mm"], back["height_mm"], back["notes"]) == (None, None, "from grandma")
    assert client.delete(path).status_code == 204
    assert client.get(path).status_code == 404


def test_cards_are_searched_sorted_and_paged(client):
    for name in ("b", "a", "c"):
        client.post("/api/cards", json={"name": name})
    page = client.get("/api/cards", params={"sort": "name", "limit": 2}).json()
    assert [item["name"] for item in page.pop("items")] == ["a", "b"]
    assert page == {"total": 3, "offset": 0, "limit": 2, "next_offset": 2}
    last = client.get("/api/cards", params={"sort": "name", "limit": 2, "offset": 2}).json()
    assert ([item["name"] for item in last["items"]], last["next_offset"]) == (["c"], None)
    assert client.get("/api/cards", params={"q": "B"}).json()["total"] == 1


@pytest.mark.parametrize(
    ("body", "field", "value"),
    [
        ({}, "name", None),
        ({"name": "  "}, "name", '"  "'),
        ({"name": "x" * 201}, "name", "xxx"),
        ({"name": 5}, "name", "5"),
        ({"name": "x", "width_mm": -1, "height_mm": 88}, "width_mm", "-1"),
        ({"name": "x", "colour": "red"}, "colour", '"red"'),
        ({"name": "x", "width_mm": 63}, "size", None),
    ],
)
def test_a_card_that_makes_no_sense_names_field_and_value(client, body, field, value):
    response = client.post("/api/cards", json=body)
    assert response.status_code == 422
    answer = response.json()
    assert answer["error"] == "invalid_input"
    assert field in answer["detail"]
    assert value is None or value in answer["detail"]


def test_half_a_size_is_refused_and_nothing_changed(client, card):
    path = f"/api/cards/{card['id']}"
    assert client.patch(path, json={"width_mm": 63}).status_code == 422
    assert client.patch(path, json={"name": None}).status_code == 422
    assert client.get(path).json() == card


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", f"/api/cards/{NOTHING}"),
        ("PATCH", f"/api/cards/{NOTHING}"),
        ("DELETE", f"/api/cards/{NOTHING}"),
        ("POST", f"/api/cards/{NOTHING}/captures"),
        ("POST", f"/api/cards/{NOTHING}/grade"),
        ("GET", f"/api/cards/{NOTHING}/grades"),
        ("GET", f"/api/captures/{NOTHING}"),
        ("DELETE", f"/api/captures/{NOTHING}"),
        ("PATCH", f"/api/captures/{NOTHING}/lights"),
        ("PUT", f"/api/captures/{NOTHING}/frames/up"),
        ("DELETE", f"/api/captures/{NOTHING}/frames/up"),
        ("POST", f"/api/captures/{NOTHING}/files"),
        ("GET", f"/api/grades/{NOTHING}"),
        ("GET", f"/api/grades/{NOTHING}/layers"),
        ("GET", f"/api/grades/{NOTHING}/layers/front/colour"),
        ("GET", f"/api/grades/{NOTHING}/report.json"),
        ("GET", f"/api/jobs/{NOTHING}"),
        ("GET", f"/api/jobs/{NOTHING}/log"),
        ("POST", f"/api/jobs/{NOTHING}/cancel"),
        ("POST", f"/api/jobs/{NOTHING}/retry"),
        ("GET", f"/api/blobs/{NOTHING * 2}"),
        ("DELETE", f"/api/sessions/{NOTHING}"),
        ("PATCH", f"/api/sessions/{NOTHING}"),
        ("DELETE", f"/api/tokens/{NOTHING}"),
        ("GET", "/api/nowhere"),
        ("GET", "/nowhere"),
        ("GET", "/api/logs"),
    ],
)
def test_what_does_not_exist_is_a_404_in_the_one_form(client, method, path):
    bodies = {
        "PATCH": {"lights": None} if "captures" in path else {"device": "x"} if "sessions" in path else {},
        "PUT": {"sha256": "0" * 64},
        "POST": {"side": "front"},
    }
    kwargs = {"json": bodies[method]} if method in bodies else {}
    if path.endswith("/files"):
        kwargs = {"files": [("files", ("up.jpg", b"x"))]}
    response = client.request(method, path, **kwargs)
    assert response.status_code == 404, response.text
    assert response.json()["error"] == "not_found"
    assert response.json()["detail"]


@pytest.mark.parametrize("path", ["/api/cards", "/page"])
def test_a_method_that_is_not_there(client, path):
    response = client.delete(path)
    assert response.status_code == 405
    assert response.json()["error"] == "method_not_allowed"
    assert "DELETE" in response.json()["detail"]


@pytest.mark.parametrize(
    ("path", "methods"), [("/api/cards", "GET, POST"), ("/api/cards/x", "GET, PATCH, DELETE")]
)
def test_a_wrong_method_hears_of_every_right_one(client, path, methods):
    response = client.put(path)
    assert response.status_code == 405
    assert response.headers["allow"] == methods
    assert response.json()["hint"] == f"It takes {methods}."


def test_broken_json_is_said_so(client):
    response = client.post("/api/cards", content=b'{"name": ', headers={"content-type": "application/json"})
    assert response.status_code == 422
    assert "no valid JSON" in response.json()["detail"]


def test_frames_are_attached_by_light_and_sending_again_changes_nothing(client, capture, photo):
    lit(client, capture, photo, "up", "right")
    path = f"/api/captures/{capture['id']}/frames/up"
    body = {"sha256": sha256(photo(0)), "file_name": "up.jpg"}
    before = client.get(f"/api/captures/{capture['id']}").json()
    assert client.put(path, json=body).status_code == 200
    assert client.get(f"/api/captures/{capture['id']}").json() == before
    assert [(f["light"], f["position"], f["sha256"]) for f in before["frames"]] == [
        ("up", 0, sha256(photo(0))),
        ("right", 1, sha256(photo(1))),
    ]
    assert client.delete(path).status_code == 204
    assert [f["light"] for f in client.get(f"/api/captures/{capture['id']}").json()["frames"]] == ["right"]


def test_a_frame_needs_its_file_first(client, capture):
    response = client.put(f"/api/captures/{capture['id']}/frames/up", json={"sha256": "0" * 64})
    assert response.status_code == 409
    assert "PUT /api/blobs/" + "0" * 64 in response.json()["hint"]


def test_a_capture_is_full_some_time(client, capture, photo):
    lit(client, capture, photo, *"123456")
    sha = put(client, photo(9))
    assert client.put(f"/api/captures/{capture['id']}/frames/7", json={"sha256": sha}).status_code == 409
    assert client.put(f"/api/captures/{capture['id']}/frames/6", json={"sha256": sha}).status_code == 200


def test_lights_are_set_and_taken_away(client, capture):
    path = f"/api/captures/{capture['id']}"
    spec = {"kind": "azimuth", "text": None, "elevation_deg": 30.0, "ring": None}
    assert client.patch(f"{path}/lights", json={"lights": spec}).json()["lights"] == spec
    assert client.patch(f"{path}/lights", json={"lights": None}).json()["lights"] is None
    assert client.patch(f"{path}/lights", json={"lights": {"kind": "sun"}}).status_code == 422


def test_grading_queues_what_the_job_has_to_know(client, card, capture, photo, parts):
    lit(client, capture, photo, "up", "right", "down", "left")
    job = client.post(f"/api/cards/{card['id']}/grade")
    assert job.status_code == 202
    assert (job.json()["state"], job.json()["subject"]) == ("queued", f"card:{card['id']}")
    with parts.db.read() as session:
        row = session.get(Job, job.json()["id"])
    frames = [
        {"light": light, "sha256": sha256(photo(shade)), "file_name": f"{light}.jpg"}
        for shade, light in enumerate(("up", "right", "down", "left"))
    ]
    assert (row.kind, row.title) == ("grade", "Grade Charizard")
    assert row.spec == {
        "card_id": card["id"],
        "header": {
            "name": "Charizard",
            "set_name": "Base Set",
            "width_mm": 63.0,
            "height_mm": 88.0,
            "size_source": "default",
        },
        "sides": {"front": {"capture_id": capture["id"], "lights": None, "frames": frames}},
        "models": [],
    }


def test_a_chosen_size_and_the_newest_capture_of_each_side_are_graded(client, card, capture, photo, parts):
    lit(client, capture, photo, "up")
    client.patch(f"/api/cards/{card['id']}", json={"width_mm": 59, "height_mm": 86})
    made = [
        client.post(f"/api/cards/{card['id']}/captures", json={"side": side}).json()
        for side in ("front", "back", "front")
    ]
    with parts.db.write() as session:
        from rcg.store.models import Capture

        for at, each in enumerate([capture, *made]):
            session.get(Capture, each["id"]).created_at = 1000 + at
    for each in made[:2]:
        lit(client, each, photo, "up")
    job = client.post(f"/api/cards/{card['id']}/grade").json()
    with parts.db.read() as session:
        spec = session.get(Job, job["id"]).spec
    assert spec["header"]["size_source"] == "chosen"
    assert (spec["header"]["width_mm"], spec["header"]["height_mm"]) == (59.0, 86.0)
    assert {side: part["capture_id"] for side, part in spec["sides"].items()} == {
        "front": made[0]["id"],
        "back": made[1]["id"],
    }


def test_asking_twice_for_the_same_grade_is_one_job(client, card, capture, photo):
    lit(client, capture, photo, "up")
    path = f"/api/cards/{card['id']}/grade"
    first = client.post(path).json()["id"]
    assert client.post(path).json()["id"] == first
    client.patch(f"/api/cards/{card['id']}", json={"name": "Another"})
    assert client.post(path).json()["id"] != first


def test_nothing_to_grade_says_what_to_do(client, card, capture):
    response = client.post(f"/api/cards/{card['id']}/grade")
    assert response.status_code == 409
    assert "nothing to grade" in response.json()["detail"]
    assert "/files" in response.json()["hint"]


@pytest.mark.parametrize(
    ("lights", "frames", "says"),
    [
        (None, ("up", "right"), "relief needs"),
        (None, ("up", "right", "down", "window"), "window"),
        (
            {"kind": "lp", "text": "4\nup 0 1 1\nright 1 0 1\ndown 0 -1 1\nleft -1 0 1\n"},
            ("up", "right", "down"),
            "left",
        ),
    ],
)
def test_lights_that_do_not_fit_are_named_before_a_job_is_made(
    client, card, capture, photo, lights, frames, says
):
    client.patch(f"/api/captures/{capture['id']}/lights", json={"lights": lights})
    lit(client, capture, photo, *frames)
    response = client.post(f"/api/cards/{card['id']}/grade")
    assert response.status_code == 422
    assert says in response.json()["detail"]
    assert "front" in response.json()["detail"]
    assert client.get("/api/jobs").json()["total"] == 0


def test_one_photograph_for_two_lights_is_refused(client, card, capture, photo):
    sha = put(client, photo())
    for light in ("up", "right", "down"):
        client.put(
            f"/api/captures/{capture['id']}/frames/{light}", json={"sha256": sha, "file_name": f"{light}.jpg"}
        )
    response = client.post(f"/api/cards/{card['id']}/grade")
    assert response.status_code == 422
    assert "up.jpg and right.jpg are the same photograph" in response.json()["detail"]


def test_a_card_that_is_being_graded_is_not_deleted(client, card, capture, photo):
    lit(client, capture, photo, "up")
    job = client.post(f"/api/cards/{card['id']}/grade").json()["id"]
    response = client.delete(f"/api/cards/{card['id']}")
    assert response.status_code == 409
    assert f"/api/jobs/{job}/cancel" in response.json()["hint"]


def test_jobs_are_listed_by_state_and_subject(client, card, capture, photo):
    lit(client, capture, photo, "up")
    graded = client.post(f"/api/cards/{card['id']}/grade").json()
    demo = client.post("/api/demo", json={"seed": 7}).json()
    assert {item["id"] for item in client.get("/api/jobs").json()["items"]} == {graded["id"], demo["id"]}
    by_subject = client.get("/api/jobs", params={"subject": f"card:{card['id']}"}).json()
    assert [item["id"] for item in by_subject["items"]] == [graded["id"]]
    assert client.get("/api/jobs", params={"state": ["done", "failed"]}).json()["items"] == []
    assert client.get("/api/jobs", params={"state": "finished"}).status_code == 422
    assert client.get(f"/api/jobs/{demo['id']}").json() == demo
    assert client.get(f"/api/jobs/{demo['id']}/log").json() == []


def test_sample_cards_are_numbered_as_they_are_asked_for(client):
    titles = [client.post("/api/demo", json=body).json()["title"] for body in ({}, {}, {"seed": 40})]
    assert titles == [f"Render and grade sample card {seed}" for seed in (1, 2, 40)]
