"""Every page, both themes, desktop and phone: accessible, quiet on the console, no wider than the screen."""

import re

import pytest
from accessible import AXE, walk

pytestmark = pytest.mark.browser
FIXED = ("/", "/grade/", "/grade/?view=table", "/grade/?new=1", "/jobs", "/settings", "/design", "/sign-in",
         "/pair", "/certificate", "/capture/", "/capture/desk", "/capture/probe")  # fmt: skip


@pytest.fixture(scope="module")
def paths(server, graded):
    found = server.call("GET", "/api/cards?limit=200")["items"]
    reports = [f"/grade/reports/{graded}", f"/grade/reports/{graded}?side=back&layer=curvature"]
    jobs = [f"/jobs?job={job['id']}" for job in server.call("GET", "/api/jobs?limit=1")["items"]]
    return [*FIXED, f"/grade/cards/{found[-1]['id']}", *reports, *jobs]


@pytest.mark.parametrize(("width", "height"), [(1440, 900), (390, 844)])
def test_pages_are_accessible_and_fit(open_page, paths, width, height):
    if not AXE.is_file():
        pytest.fail(f"axe-core is missing at {AXE}: npm ci in rcg/web/frontend")
    page = open_page(width=width, height=height, bypass_csp=True)
    assert walk(page, paths) == []


def test_the_policy_holds_and_the_api_page_works_under_it(open_page):
    page = open_page()
    answer = page.goto("/api/docs")
    assert "script-src 'self'" in answer.headers["content-security-policy"]
    page.get_by_text("Everything a page can do").wait_for()
    page.locator(".opblock").first.wait_for()
    # Groups are drawn as they come into view, so one has to go through the page to see them all.
    expected = {"cards", "datasets", "training", "capture", "system"}
    groups, routes, mouse = set(), set(), page.mouse
    for _ in range(60):
        groups.update(page.locator(".opblock-tag").all_inner_texts())
        routes.update(page.locator(".opblock-summary").all_inner_texts())
        if expected <= groups and len(routes) > 100:
            break
        mouse.wheel(0, 600)
        page.wait_for_timeout(100)
    assert expected <= groups
    assert len(routes) > 100


def test_a_missing_page_says_so_in_the_words_of_the_api(open_page):
    page = open_page(strict=False)
    assert page.goto("/grade/cards/none").status == 404
    assert page.get_by_text("There is no card 'none'.").is_visible()


def test_palette_theme_and_keys(open_page):
    page = open_page()
    page.keyboard.press("Control+k")
    page.get_by_role("combobox").fill("sett")
    assert page.get_by_role("option").count() == 1, "found at once, without asking the server"
    page.keyboard.press("Enter")
    page.wait_for_url("**/settings")
    page.locator("[data-theme-toggle]").click()
    page.locator("[data-theme-toggle]").click()
    assert page.locator("html").get_attribute("data-theme") == "dark"
    page.reload()
    assert page.locator("html").get_attribute("data-theme") == "dark", "kept by this browser"
    page.keyboard.press("?")
    assert page.get_by_role("dialog", name="Keyboard").is_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("j")
    page.get_by_role("dialog", name="Jobs").wait_for()


def test_a_press_before_the_scripts_are_there_is_done_when_they_are(open_page):
    page = open_page()
    held, slow = [], True

    def hold(route):
        if slow:
            held.append(route)
        else:
            route.continue_()

    page.route(re.compile(r"/static/dist/(?!theme).*\.js"), hold)
    page.goto("/settings", wait_until="commit")
    page.get_by_label("New token").fill("an early script")
    page.get_by_role("button", name="Create token").click()
    page.locator("[data-theme-toggle]").click()
    assert page.locator("button[aria-busy=true]").count() == 2
    slow = False
    for route in held:
        route.continue_()
    page.locator("[data-made] code").first.wait_for()
    page.locator("html[data-theme=light]").wait_for()
    assert page.locator("button[aria-busy=true]").count() == 0


def test_tokens_are_shown_once_and_revoked_at_once(open_page, server):
    page = open_page()
    page.goto("/settings")
    page.get_by_label("New token").fill("a script")
    page.get_by_role("button", name="Create token").click()
    secret = page.locator("[data-made] code").first.inner_text()
    assert type(server)(server.url, secret, server.home, server.process).call("GET", "/api/me")["scopes"] == [
        "read"
    ]
    page.locator("tr", has_text="a script").get_by_role("button", name="Revoke").click()
    page.locator("tr", has_text="a script").wait_for(state="detached")
    page.reload()
    assert secret not in page.content()
    assert page.get_by_text("a script").count() == 0


def test_one_event_stream_serves_all_tabs(open_page):
    first = open_page()
    first.wait_for_function(
        "() => navigator.locks.query().then(now => now.held.some(one => one.name === 'rcg-events'))"
    )
    first.wait_for_timeout(500)
    streams = []
    first.context.on(
        "request", lambda request: streams.append(request.url) if "/api/events" in request.url else None
    )
    second = first.context.new_page()
    second.goto("/jobs")
    second.wait_for_timeout(500)
    assert streams == [], "the first tab holds the stream"
    first.close()
    second.wait_for_timeout(1500)
    assert len(streams) == 1, "the second takes it over"
