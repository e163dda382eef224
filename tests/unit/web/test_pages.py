import re

import pytest
from handmade_report import add_graded, make_report

from rcg.store.models import Job
from rcg.web.shell.sign_in import local


def add_job(container, **values):
    blank = {"kind": "grade", "title": "Grade a card", "spec": {}}
    with container.db.write() as session:
        job = Job(**(blank | values))
        session.add(job)
        session.flush()
        return job.id


def test_the_empty_dashboard_offers_a_sample(client):
    page = client.get("/").text
    assert "Grade your first card" in page
    assert "data-demo" in page
    assert "Recent cards" not in page


def test_the_dashboard_shows_cards_jobs_and_what_failed(client, container, graded):
    add_job(container, title="Grade the hydra", state="running", progress=0.42, message="solving normals")
    failed = add_job(
        container,
        title="Grade the wyvern",
        state="failed",
        finished_at=container.started_at,
        error={"error": "x", "detail": "No card was found.", "hint": "Use another background."},
    )
    page = client.get("/").text
    assert f"/grade/cards/{graded[0]}" in page
    assert "Grade the hydra" in page
    assert "solving normals" in page
    assert 'value="0.4200"' in page
    assert "No card was found." in page
    assert "Use another background." in page
    assert f"/jobs?job={failed}" in page


def test_only_areas_that_exist_are_in_the_navigation(client, container):
    page = client.get("/").text
    rail = page.split('aria-label="Areas"')[1].split("</nav>")[0]
    links = re.findall(r'<a href="([^"]+)"[^>]*>.*?<span class="word">(\w+)</span>', rail)
    assert [word for _, word in links] == [
        "Dashboard", "Capture", "Cards", "Annotate", "Datasets", "Augment", "Train", "Models", "Jobs",
        "Settings",
    ]  # fmt: skip
    assert [href for href, _ in links if client.get(href).status_code != 200] == []


@pytest.mark.parametrize("area", ["capture", "grade", "annotate", "studio", "augment", "train"])
def test_an_area_is_entered_by_its_name_too(client, area):
    answer = client.get(f"/{area}?sort=name", follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (308, f"/{area}/?sort=name")


def test_a_phones_bar_holds_five_areas_and_the_others_stand_behind_more(client):
    page = client.get("/jobs").text
    rail = page.split('aria-label="Areas"')[1].split("</nav>")[0]
    more = page.split('aria-label="More areas"')[1].split("</nav>")[0]
    beyond = re.findall(r'<a href="([^"]+)" class="beyond"', rail)
    assert len(re.findall(r'<a href="', rail)) - len(beyond) == 5
    assert (
        re.findall(r'<a href="([^"]+)"', more)
        == beyond
        == ["/annotate/", "/augment/", "/train/models", "/jobs", "/settings"]
    )
    assert 'popovertarget="more-areas" data-here' in rail, "the bar shows that one is somewhere behind it"


def test_cards_are_found_by_name(client, graded):
    assert "&lt;b&gt;Bold&lt;/b&gt; dragon" in client.get("/grade/?q=dragon").text
    assert "No card matches" in client.get("/grade/?q=unicorn").text
    table = client.get("/grade/?view=table&sort=score").text
    assert "<table" in table
    assert "884" in table


def test_no_cards_is_an_invitation(client):
    page = client.get("/grade/").text
    assert "No cards yet" in page
    assert "Drop frames to make a card" in page


def test_a_card_says_what_is_there_and_what_is_missing(client, graded):
    page = client.get(f"/grade/cards/{graded[0]}").text
    assert "card_up.jpg" in page
    assert "lit from above" in page
    assert "One photograph" in page
    assert "45° elevation assumed" in page
    assert "Its 1 frame and 1 grade go with it." in page
    assert f"/api/cards/{graded[0]}/grade" in page
    assert f"/grade/reports/{graded[1]}" in page


def test_the_report_shows_every_figure_with_its_reason(client, graded):
    page = client.get(f"/grade/reports/{graded[1]}").text
    assert 'aria-label="Overall grade 8.5"' in page
    assert "8 to 9" in page
    assert "not validated against graded cards" in page
    assert "51.2 / 48.8" in page
    assert "not measurable" in page
    assert "23 of 24 stations measured" in page
    assert "no print edge within 8 mm" in page
    assert "limited by finding 1, scratch of 2.24\u2009mm" in page
    assert "top and bottom were not measurable" in page
    assert "−87" in page
    assert "−3.1\u2009µm relief" in page
    assert "checked 2026-11-01" in page
    assert "elevation assumed 45°" in page
    assert "back side" in page
    assert page.count('class="tick"') == 23
    assert 'viewBox="-34.500 -47.000 69.000 94.000"' in page, "the layers' extent in millimetres"
    assert "M10 -20L12 -20L12 -21L10 -21Z" in page, "the finding's outline, y down"
    assert f"/api/grades/{graded[1]}/layers/front/light:up" in page


def test_a_report_without_a_grade_says_why(client, container):
    _, grade = add_graded(container, make_report(overall=False))
    page = client.get(f"/grade/reports/{grade}").text
    assert "No overall grade" in page
    assert "Relief was not measured." in page


def test_names_are_escaped(client, graded):
    for path in ("/", "/grade/", f"/grade/cards/{graded[0]}", f"/grade/reports/{graded[1]}"):
        assert "<b>Bold</b>" not in client.get(path).text, path


def test_jobs_are_filtered_and_open_with_their_error(client, container):
    job = add_job(
        container,
        title="Grade the wyvern",
        state="dead",
        crashes=3,
        error={
            "error": "crashed",
            "detail": "It crashed three times.",
            "hint": "",
            "data": {"stderr": "Segmentation fault"},
        },
    )
    add_job(container, title="Grade the hydra", state="running")
    assert "Grade the wyvern" not in client.get("/jobs?state=active").text
    drawer = client.get(f"/jobs/{job}/drawer").text
    assert "Segmentation fault" in drawer
    assert "3 crashed" in drawer
    assert f'data-retry="{job}"' in drawer


def test_settings_hide_secrets(client, container, monkeypatch):
    container.auth.create_token("backup script", ["read", "capture"])
    container.settings = container.settings.model_copy(
        update={
            "valkey": type(container.settings.valkey)(
                url="valkey://me:hunter2@cache:6379/0", password="hunter2"
            )
        }
    )
    page = client.get("/settings").text
    assert "hunter2" not in page
    assert "valkey://me:••••••@cache:6379/0" in page
    assert "backup script" in page
    assert "this one" in page


def test_the_log_shows_its_end(client, container):
    container.settings.log_dir.mkdir()
    (container.settings.log_dir / "rcg.log").write_text(
        "".join(f"2026-11-23 INFO line {n}\n" for n in range(500)) + "x ERROR <broken>\n"
    )
    page = client.get("/settings/log").text
    assert "line 499" in page
    assert "line 1\n" not in page
    assert 'class="error"' in page
    assert "&lt;broken&gt;" in page


def test_a_qr_code_holds_the_link(client):
    one = client.post("/settings/qr", json={"url": "https://localhost:8443/link#abc"})
    other = client.post("/settings/qr", json={"url": "https://localhost:8443/link#abd"})
    assert one.headers["content-type"] == "image/svg+xml"
    assert one.text.startswith("<svg")
    assert one.text != other.text


@pytest.mark.parametrize("path", ["/sign-in", "/link"])
def test_public_pages_need_nobody(stranger, path):
    answer = stranger.get(path)
    assert answer.status_code == 200
    assert 'aria-label="Areas"' not in answer.text


@pytest.mark.parametrize(
    ("address", "kept"),
    [
        ("/grade/?q=a", "/grade/?q=a"),
        ("//evil.example", "/"),
        ("https://evil.example", "/"),
        ("/\\evil.example", "/"),
        ("", "/"),
        ("/\n/x", "/"),
    ],
)
def test_nobody_is_sent_to_another_site(address, kept):
    assert local(address) == kept


def test_errors_come_as_pages_and_as_json(client, stranger):
    page = client.get("/grade/cards/nothing")
    assert page.status_code == 404
    assert "There is no card &#39;nothing&#39;." in page.text
    assert 'aria-label="Areas"' in page.text
    script = client.get("/grade/cards/nothing", headers={"accept": "application/json"})
    assert script.json()["error"] == "not_found"
    assert 'aria-label="Areas"' not in stranger.get("/grade/cards/nothing").text


def test_the_living_page_shows_the_parts(client):
    page = client.get("/design").text
    for part in ("Button", "Field", "Table", "Notice", "Log view", "Card tile"):
        assert f"<h2>{part}</h2>" in page


def test_no_page_carries_inline_script_or_style(client, graded):
    for path in (
        "/",
        "/grade/",
        f"/grade/cards/{graded[0]}",
        f"/grade/reports/{graded[1]}",
        "/jobs",
        "/settings",
        "/design",
        "/sign-in",
        "/link",
    ):
        page = client.get(path).text
        assert not re.search(r"\sstyle=|\son\w+=|<style|<script(?![^>]*\bsrc=)", page), path
