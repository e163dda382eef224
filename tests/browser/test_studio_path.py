"""The path of a dataset in a browser: create, fill, annotate, version, train; and what may go wrong on it."""

import io
import json
import re
import zipfile

import pytest
from accessible import complaints, walk
from PIL import Image, ImageDraw

pytestmark = pytest.mark.browser
INGEST_MS = 60_000


def card(number, width=480, height=670):
    """A drawn card as a PNG file to choose: another colour for another number."""
    picture = Image.new("RGB", (width, height), (40, 42, 46))
    pen = ImageDraw.Draw(picture)
    pen.rectangle((width // 16, width // 16, width * 15 // 16, height - width // 16), fill=(236, 234, 228))
    pen.rectangle((width // 8, width // 8, width * 7 // 8, height // 2), fill=(40 * number % 256, 90, 160))
    file = io.BytesIO()
    picture.save(file, "PNG")
    return {"name": f"card{number}.png", "mimeType": "image/png", "buffer": file.getvalue()}


def make(server, name, kind="surface_damage"):
    return server.call("POST", "/api/datasets", {"name": name, "kind": kind})["id"]


def fill(page, files, *, close=False):
    page.locator("#fill-files").set_input_files(files)
    page.get_by_text(re.compile(rf"\d+ of {len(files)} files? taken in")).wait_for()
    if close:
        page.locator("[data-fill-close]").click()  # so that the grid comes into view
    page.locator("[data-grid] .st-cell.ready img").first.wait_for(timeout=INGEST_MS)
    page.locator("[data-grid] .st-cell.pending").first.wait_for(state="detached", timeout=INGEST_MS)


def label_all(server, dataset):
    for item in server.call("GET", f"/api/datasets/{dataset}/items")["items"]:
        server.call("POST", f"/api/items/{item['id']}/label-state", {"label_state": "labelled"})


def test_from_nothing_to_the_training_page(open_page, server):
    page = open_page()
    page.keyboard.press("Control+k")
    page.get_by_role("combobox").fill("create dataset")
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name="Create dataset")
    dialog.get_by_text("Corner damage").click()
    assert dialog.get_by_label("Name").input_value().startswith("Corner damage"), "a free name is proposed"
    dialog.get_by_label("Name").fill("Worn corners")
    dialog.get_by_role("button", name="Create dataset").click()
    page.wait_for_url(re.compile("/studio/datasets/[0-9a-f]{32}$"))
    dataset = page.url.rsplit("/", 1)[1]
    assert page.locator("#dataset-name").input_value() == "Worn corners"
    assert page.locator("[data-step=train] .st-act button").is_disabled(), "what cannot be done yet says why"
    assert page.get_by_text("Label at least one item first.").first.is_visible()

    fill(page, [card(1), card(2), card(3)])
    annotate = page.locator("[data-step=annotate] a")
    annotate.wait_for()
    first = server.call("GET", f"/api/datasets/{dataset}/items")["items"][0]["id"]
    assert annotate.get_attribute("href") == f"/annotate/{dataset}/{first}"
    assert "primary" in annotate.get_attribute("class"), "the next step is the one that stands out"
    assert (
        page.locator("[data-grid] .st-cell a").first.get_attribute("href") == f"/annotate/{dataset}/{first}"
    )

    label_all(server, dataset)
    page.reload()
    page.get_by_text("3 of 3 labelled").first.wait_for()
    assert "v1 will be made" in page.locator("[data-step=train]").inner_text()

    page.get_by_role("button", name="Make a version").click()
    assert "tab=versions" in page.url
    page.wait_for_function("() => document.querySelector('[data-split-part=train] td').textContent !== '-'")
    parts = [page.locator(f"[data-split-part={part}] td").first.inner_text() for part in ("train", "val")]
    assert sum(map(int, parts)) == 3
    assert int(parts[1]) >= 1, "one card at least is held out"
    page.locator("#version-note").fill("the first three")
    page.get_by_role("button", name="Make version").click()
    page.locator("[data-version='1']", has_text="the first three").wait_for()
    page.wait_for_function(
        "() => document.querySelector('[data-step=train] .st-figure').textContent === 'with v1'"
    )

    page.get_by_role("button", name="Make version").click()
    page.get_by_text("Nothing has changed since v1").wait_for()
    assert page.locator("[data-version]").count() == 1, "an equal version is not made twice"

    page.locator("[data-step=train] a").click()
    page.wait_for_url(re.compile(rf"/train/new\?dataset={dataset}&version=1$"))


def test_refused_files_say_why_and_can_be_tried_again(open_page, server):
    page = open_page()
    page.goto(f"/studio/datasets/{make(server, 'Some are broken')}")
    broken = {"name": "notes.png", "mimeType": "text/plain", "buffer": b"no picture at all"}
    fill(page, [card(1), broken])
    page.get_by_text("1 of 2 files taken in, 1 refused").wait_for()
    row = page.locator(".st-uploads li", has_text="notes.png")
    assert "notes.png" in row.locator(".error").inner_text()
    row.get_by_role("button", name="Retry notes.png").click()
    page.locator(".st-uploads li", has_text="notes.png").locator(".error").wait_for()
    assert page.locator("[data-grid] .st-cell").count() == 1


def test_small_images_are_taken_and_flagged(open_page, server):
    page = open_page()
    dataset = make(server, "Small ones")
    page.goto(f"/studio/datasets/{dataset}")
    fill(page, [card(1), card(2, 100, 140)])
    page.locator(".st-remark", has_text="under 224 px").wait_for()
    page.reload()
    page.locator("a.chip", has_text="With a note").click()
    page.wait_for_function("() => document.querySelectorAll('[data-grid] .st-cell.ready').length === 1")
    assert "flagged=true" in page.url
    page.reload()
    page.locator("a.chip[aria-current]", has_text="With a note").wait_for()
    assert page.locator("[data-found]").inner_text().startswith("1")


def test_items_are_chosen_and_deleted_by_keyboard(open_page, server):
    page = open_page()
    dataset = make(server, "By keyboard")
    page.goto(f"/studio/datasets/{dataset}")
    fill(page, [card(number) for number in range(1, 6)], close=True)
    page.locator("[data-grid] .st-cell a").first.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Space")
    page.keyboard.press("Shift+ArrowRight")
    assert page.get_by_text("2 selected").is_visible()
    assert page.locator("[aria-selected=true]").count() == 2
    page.keyboard.press("Delete")
    page.get_by_role("dialog", name="Delete 2 items?").get_by_role("button", name="Delete items").click()
    page.wait_for_function("() => document.querySelectorAll('[data-grid] .st-cell').length === 3")
    assert [item["name"] for item in server.call("GET", f"/api/datasets/{dataset}/items")["items"]] == [
        "card1.png", "card4.png", "card5.png",
    ]  # fmt: skip
    page.locator("[data-grid] .st-cell a").first.focus()
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(f"/annotate/{dataset}/"))


def test_a_class_is_renamed_with_its_annotations_and_not_deleted_without_a_word(open_page, server):
    page = open_page(strict=False)  # the browser notes the answer 409
    dataset = make(server, "Classes")
    page.goto(f"/studio/datasets/{dataset}")
    fill(page, [card(1)])
    item = server.call("GET", f"/api/datasets/{dataset}/items")["items"][0]["id"]
    shape = {"type": "box", "x": 100, "y": 100, "width": 40, "height": 30}
    annotation = {"id": "a" * 32, "label": "dent", "shape": shape}
    step = {"op_id": "one", "kind": "add", "annotations": [annotation]}
    server.call("POST", f"/api/items/{item}/ops", {"base_revision": 0, "ops": [step]})
    page.goto(f"/studio/datasets/{dataset}?tab=classes")
    row = page.locator("[data-class][data-was=dent]")
    assert row.get_by_text("1 annotation").is_visible()
    row.locator("[data-f=name]").fill("Big Dent")
    page.get_by_role("button", name="Save").click()
    assert "small letters" in row.locator("[data-error]").inner_text(), "said next to the field"
    row.locator("[data-f=name]").fill("big_dent")
    assert page.get_by_text("dent becomes big_dent").is_visible()
    page.get_by_role("button", name="Save").click()
    page.locator("[data-class][data-was=big_dent]").wait_for()
    assert server.call("GET", f"/api/items/{item}")["classes"] == {"big_dent": 1}

    page.locator("[data-class][data-was=big_dent]").get_by_role("button", name="Delete this class").click()
    page.on("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Save").click()
    page.get_by_text("In use, so not deleted: big_dent").wait_for()
    assert server.call("GET", f"/api/items/{item}")["classes"] == {"big_dent": 1}, "nothing was lost"
    with page.expect_event("load"):
        page.get_by_role("button", name="Delete 1 annotation, too").click()
    assert page.locator("[data-class][data-was=big_dent]").count() == 0
    assert server.call("GET", f"/api/items/{item}")["classes"] == {}


def test_a_name_that_is_taken_is_refused_at_its_field(open_page, server):
    page = open_page(strict=False)  # the browser notes the answer 409
    make(server, "Taken")
    page.goto(f"/studio/datasets/{make(server, 'To be renamed')}")
    page.locator("#dataset-name").fill("Taken")
    page.locator("#dataset-name").press("Enter")
    page.locator("#dataset-name-error", has_text="Taken").wait_for()
    page.locator("#dataset-name").fill("Renamed")
    page.locator("#dataset-name").press("Enter")
    page.get_by_text("Saved").wait_for()
    assert page.locator("[data-crumb]").last.inner_text() == "Renamed"


def test_a_kind_of_ones_own_is_defined_and_used(open_page, server):
    page = open_page()
    page.goto("/studio/kinds/new?from=corner_detection")
    page.get_by_role("button", name="Create kind").click()
    assert page.locator("#kind-title-error").inner_text() == "It needs a title."
    page.locator("#kind-title").fill("Centre of the hologram")
    assert page.locator("#kind-name").input_value() == "centre_of_the_hologram"
    while page.locator("[data-point]").count() > 1:
        page.locator("[data-point] [data-remove]").last.click()
    while page.locator("[data-line]").count():
        page.locator("[data-line] [data-remove]").last.click()
    page.locator("[data-point] [data-f=name]").fill("centre")
    page.locator("[data-point] [data-f=mirror]").fill("nowhere")
    page.locator("[data-point] [data-f=flip]").fill("")
    page.locator("[data-point] [data-f=turn]").fill("")
    page.get_by_role("button", name="Create kind").click()
    assert page.locator("[data-point] [data-error]").inner_text() == "There is no point “nowhere”."
    page.locator("[data-point] [data-f=mirror]").fill("")
    page.get_by_role("button", name="Create kind").click()
    page.wait_for_url(re.compile("/studio/"))
    dialog = page.get_by_role("dialog", name="Create dataset")
    assert dialog.locator("input[value=centre_of_the_hologram]").is_checked(), (
        "it is chosen for the next dataset"
    )
    kind = server.call("GET", "/api/kinds/centre_of_the_hologram")
    assert [point["name"] for point in kind["label_schema"]["points"]] == ["centre"]
    assert kind["architectures"] == ["precision_measurement_network"]


def test_a_hundred_thousand_items_need_no_more_than_the_rows_in_view(open_page, server):
    page = open_page()
    dataset = make(server, "Very many")
    total = 100_000
    blank = {"state": "ready", "problem": "", "thumbnail": None, "split": None}
    blank |= {"label_state": "unlabelled", "annotations": 0, "classes": {}}

    def answer(route):
        asked = dict(part.split("=") for part in route.request.url.split("?")[1].split("&"))
        offset, limit = int(asked["offset"]), int(asked["limit"])
        numbers = range(offset, min(total, offset + limit))
        route.fulfill(
            json={
                "items": [blank | {"id": f"{n:032x}", "name": f"card {n}"} for n in numbers],
                "total": total,
            }
        )

    page.route(re.compile(r"/api/datasets/\w+/items\?"), answer)
    page.goto(f"/studio/datasets/{dataset}")
    page.locator(".st-cell", has_text="card 0").first.wait_for()
    page.evaluate("scrollTo(0, document.documentElement.scrollHeight)")
    page.locator(".st-cell", has_text="card 99999").wait_for()
    assert page.locator(".st-cell").count() < 200
    page.locator(".st-cell a", has_text="card 99999").focus()
    page.keyboard.press("Control+Home")
    page.locator(".st-cell a", has_text=re.compile("^card 0")).first.wait_for()
    assert page.evaluate("document.activeElement.textContent").startswith("card 0")


def test_an_archive_that_is_dropped_is_imported_with_its_labels(open_page, server):
    page = open_page()
    dataset = make(server, "From an archive")
    page.goto(f"/studio/datasets/{dataset}")
    picture = card(1)
    found = {"category_id": 1, "area": 12, "iscrowd": 0, "bbox": [100, 100, 4, 3]}
    coco = {
        "images": [{"id": 1, "file_name": "card1.png", "width": 480, "height": 670}],
        "categories": [{"id": 1, "name": "dent"}],
        "annotations": [found | {"id": 1, "image_id": 1}, found | {"id": 2, "image_id": 9}],
    }
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("images/card1.png", picture["buffer"])
        file.writestr("annotations.json", json.dumps(coco))
    page.locator("#fill-files").set_input_files(
        {"name": "cards.zip", "mimeType": "application/zip", "buffer": archive.getvalue()}
    )
    dialog = page.get_by_role("dialog", name="Import annotations")
    dialog.get_by_text("cards.zip").wait_for()
    dialog.get_by_role("button", name="Import", exact=True).click()
    dialog.get_by_text("Imported: 1 new item, 1 annotation").wait_for(timeout=INGEST_MS)
    assert dialog.locator("tbody tr").count() >= 1, "what the file pointed at and was not there"
    dialog.get_by_role("button", name="Close").click()
    page.locator("[data-grid] .st-cell.ready", has_text="card1.png").wait_for(timeout=INGEST_MS)


def test_items_are_accessible_while_they_are_awaited(open_page, server):
    page = open_page(bypass_csp=True)
    dataset = make(server, "Slowly answered")
    page.goto(f"/studio/datasets/{dataset}")
    fill(page, [card(1), card(2)])
    held, come = [], False
    page.route(
        re.compile(r"/api/datasets/\w+/items\?"),
        lambda route: route.continue_() if come else held.append(route),
    )
    page.goto(f"/studio/datasets/{dataset}")
    page.locator("[data-grid][aria-busy=true] .st-plain").wait_for()
    assert complaints(page, "awaited") == []
    come = True
    for route in held:
        route.continue_()
    page.get_by_role("grid", name="Items").get_by_role("row").first.wait_for()
    assert complaints(page, "arrived") == []


@pytest.mark.parametrize(("width", "narrower", "height"), [(2560, 1440, 1300), (390, 360, 800)])
def test_pages_of_datasets_are_accessible_and_fit(open_page, server, width, narrower, height):
    full = make(server, f"Looked at, {width}")
    empty = make(server, f"Looked at, {width}, points", "centering_analysis")
    # The checker is injected, which the pages' own policy rightly forbids.
    page = open_page(width=width, height=height, bypass_csp=True)
    page.goto(f"/studio/datasets/{full}")
    fill(page, [card(1), card(2, 100, 140)], close=True)
    label_all(server, full)
    server.call("POST", f"/api/datasets/{full}/versions", {"note": "a note"})
    paths = (
        "/studio/", "/studio/?new=1", f"/studio/datasets/{full}", f"/studio/datasets/{full}?tab=classes",
        f"/studio/datasets/{full}?tab=versions", f"/studio/datasets/{full}?tab=health",
        f"/studio/datasets/{empty}", f"/studio/datasets/{empty}?tab=classes",
        "/studio/kinds/new", "/studio/kinds/new?from=edge_detection", "/studio/kinds/photometric_fusion",
    )  # fmt: skip
    assert walk(page, paths, narrower) == []
