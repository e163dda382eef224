"""The page of recipes on a real dataset: draws come; steps are edited by mouse and keys, saved, refused."""

import re
import time

import pytest
from accessible import complaints

pytestmark = pytest.mark.browser
RENDER_S = 240
DRAWN_MS = 60_000


def rendered(server, name, kind):
    """The id of a dataset of two rendered cards."""
    for found in server.call("GET", "/api/datasets")["items"]:
        if found["name"] == name:
            return found["id"]
    made = server.call("POST", "/api/datasets/render", {"name": name, "kind": kind, "cards": 2, "seed": 5})
    end = time.monotonic() + RENDER_S
    while time.monotonic() < end:
        job = server.call("GET", f"/api/jobs/{made['job']['id']}")
        if job["state"] == "done":
            return made["dataset"]["id"]
        assert job["state"] in {"queued", "running"}, job["error"]
        time.sleep(0.3)
    raise AssertionError(f"two cards were not rendered in {RENDER_S} s")


@pytest.fixture(scope="module")
def dents(server):
    return rendered(server, "Augment: dents", "surface_damage")


@pytest.fixture(scope="module")
def corners(server):
    return rendered(server, "Augment: corners", "corner_detection")


def source(page, pane="after"):
    return page.locator(f"[data-pane={pane}] img").get_attribute("src")


def drawn(page, before=None):
    """Wait until the pane after shows a picture, another than ``before``."""
    page.wait_for_function(
        "before => { const i = document.querySelector('[data-pane=after] img');"
        " return i && i.complete && i.naturalWidth > 0 && i.getAttribute('src') !== before"
        " && document.querySelector('[data-busy]').hidden; }",
        arg=before,
        timeout=DRAWN_MS,
    )
    return source(page)


def test_a_recipe_is_edited_on_ones_own_items_saved_and_found_again(open_page, server, dents):
    page = open_page(width=1440, height=900)
    page.goto(f"/augment/new?kind=surface_damage&dataset={dents}")
    first = drawn(page)
    assert page.locator("[data-draw]").count() == 8
    assert page.locator("[data-pane=before] .au-shapes > g").count() >= 1
    notes = page.locator("[data-note=after]").inner_text()

    # another layer, by its key, of the same draws
    page.keyboard.press("3")
    normal = drawn(page, first)
    assert normal.endswith(".normal.webp")
    assert page.locator("[data-note=after]").inner_text() == notes
    page.keyboard.press("s")
    assert not page.locator("[data-pane=after] .au-shapes").is_visible()
    page.keyboard.press("s")

    # a slider moved by keys, a step switched off, steps exchanged by keys, one removed and brought back
    row = page.locator(".au-step", has_text="Rotate, stretch")
    row.locator("[data-act=open]").click()
    row.locator("input[type=range][data-set=rotate]").focus()
    for _ in range(10):
        page.keyboard.press("ArrowRight")
    assert row.locator("input[type=number][data-set=rotate]").input_value() == "10"
    drawn(page, normal)
    page.locator(".au-step", has_text="Gamma").get_by_role("checkbox").first.uncheck()
    order = lambda: [words.split("\n")[0] for words in page.locator(".au-word").all_inner_texts()]  # noqa: E731
    assert order()[:2] == ["Flip left and right", "Flip top and bottom"]
    page.locator("[data-index='0'] [data-act=open]").focus()
    page.keyboard.press("Alt+ArrowDown")
    assert order()[:2] == ["Flip top and bottom", "Flip left and right"]
    assert page.evaluate("document.activeElement.closest('[data-index]').dataset.index") == "1"
    page.get_by_role("button", name="Remove Blur").click()
    assert "Blur" not in order()
    page.locator("[data-undo]").click()
    assert "Blur" in order()

    page.locator("#au-name").fill("Dents, turned")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Save", exact=True).click()
    page.wait_for_url(lambda url: "/augment/new" not in url)
    saved = server.call("GET", "/api/recipes/Dents,%20turned")
    assert [step["op"] for step in saved["recipe"]["steps"]][:2] == ["flip_vertical", "flip_horizontal"]
    assert [step["on"] for step in saved["recipe"]["steps"] if step["op"] == "gamma"] == [False]
    assert [step["rotate"] for step in saved["recipe"]["steps"] if step["op"] == "affine"] == [10]

    # the address holds what is looked at; the default of the dataset; the list
    assert f"dataset={dents}" in page.url
    page.locator("[data-default]:not([disabled])").check()
    page.get_by_text("New versions of Augment: dents take this recipe").wait_for()
    assert server.call("GET", "/api/recipes/Dents,%20turned")["datasets"][0]["id"] == dents
    page.goto("/augment/")
    assert page.locator("tr", has_text="Dents, turned").get_by_text("Augment: dents").is_visible()
    page.get_by_role("button", name="Delete Dents, turned").click()
    assert "Augment: dents" in page.get_by_role("dialog").inner_text()
    page.get_by_role("button", name="Delete recipe").click()
    page.locator("tr", has_text="Dents, turned").wait_for(state="detached")


def test_a_press_before_the_list_can_delete_is_done_when_it_can(open_page, server):
    recipe = {"name": "Pressed early", "steps": [{"op": "flip_horizontal"}]}
    server.call("POST", "/api/recipes", {"recipe": recipe})
    page = open_page()
    held = []

    def hold(route):
        held.append(route)

    page.route(re.compile(r"/static/dist/list-.*\.js"), hold)
    page.goto("/augment/")
    page.get_by_role("button", name="Delete Pressed early").click()
    assert page.locator("button[aria-busy=true]").count() == 1
    assert held, "the list's script was not asked for"
    for route in held:
        route.continue_()
    page.get_by_role("dialog").get_by_role("button", name="Delete recipe").click()
    page.locator("tr", has_text="Pressed early").wait_for(state="detached")


def test_the_same_seed_draws_the_same_and_new_draws_others(open_page, dents):
    page = open_page()
    page.goto(f"/augment/new?dataset={dents}&seed=3&count=4")
    drawn(page)
    assert page.locator("[data-draw]").count() == 4
    notes = [tile.get_attribute("title") for tile in page.locator("[data-draw]").all()]
    page.reload()
    before = drawn(page)
    assert [tile.get_attribute("title") for tile in page.locator("[data-draw]").all()] == notes
    page.keyboard.press("n")
    drawn(page, before)
    assert [tile.get_attribute("title") for tile in page.locator("[data-draw]").all()] != notes
    page.locator("[data-draw='0']").focus()
    page.keyboard.press("ArrowRight")
    assert page.locator("[data-draw='1']").get_attribute("aria-checked") == "true"
    assert "draw=1" in page.url


def test_what_the_labels_cannot_follow_is_said_at_the_step(open_page, corners):
    page = open_page()
    page.goto(f"/augment/new?kind=corner_detection&dataset={corners}")
    shown = drawn(page)
    page.locator("[popovertarget=au-add-move]").click()
    page.locator("[data-op=crop]").click()
    wrong = page.locator(".au-step", has_text="Crop").locator("[data-wrong]")
    wrong.get_by_text("every point must stay inside").wait_for()
    assert page.get_by_text("Not drawn: the labels of this dataset cannot follow the recipe.").is_visible()
    page.locator(".au-step", has_text="Crop").locator("select").select_option("all")
    drawn(page, shown)
    assert wrong.inner_text() == ""


def test_unsaved_changes_survive_a_reload_and_can_be_discarded(open_page, dents):
    page = open_page()
    page.goto(f"/augment/new?kind=surface_damage&dataset={dents}")
    drawn(page)
    page.locator("[data-index='0']").get_by_role("checkbox").first.uncheck()
    page.reload()
    page.get_by_text("they are here again").wait_for()
    assert not page.locator("[data-index='0']").get_by_role("checkbox").first.is_checked()
    page.get_by_role("button", name="Discard").click()
    assert page.locator("[data-index='0']").get_by_role("checkbox").first.is_checked()


@pytest.mark.parametrize(("width", "height"), [(1440, 900), (390, 844), (360, 740)])
def test_the_pages_are_accessible_and_fit(open_page, dents, width, height):
    page = open_page(width=width, height=height, bypass_csp=True)
    wrong = []
    for path in ("/augment/", f"/augment/new?kind=surface_damage&dataset={dents}"):
        page.goto(path)
        if "new" in path:
            drawn(page)
            for button in page.locator("[data-act=open]").all():
                button.click()
        wrong += complaints(page, path)
        if page.evaluate("document.documentElement.scrollWidth") > width:
            wrong.append(f"{path}: wider than {width}")
    assert wrong == []
