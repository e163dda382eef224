"""Weights to begin with on the page of a new run: a file is added, or refused, where it is chosen."""

import json
import re
import struct
import time

import pytest

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]
FIELD = "[data-field=weights]"


@pytest.fixture(scope="module")
def dataset(server):
    """The id of a dataset of a few rendered cards."""
    body = {"name": "For weights", "kind": "surface_damage", "cards": 4, "seed": 6}
    made = server.call("POST", "/api/datasets/render", body)
    while (job := server.call("GET", f"/api/jobs/{made['job']['id']}"))["state"] in {"queued", "running"}:
        time.sleep(0.3)
    assert job["state"] == "done", job["error"]
    return made["dataset"]["id"]


def weights_file():
    header = {"one": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}}
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + bytes(8)


def shown(page, server, dataset, **options):
    chosen = "".join(f"&set.{key}={json.dumps(value)}" for key, value in options.items())
    page.goto(f"/train/new?dataset={dataset}&arch=mask_rcnn_primary&preset=quick{chosen}")
    find(page)


def find(page):
    page.locator("[data-field]").first.wait_for(state="attached")
    page.get_by_label("Search options").fill("weights")
    page.locator(f"{FIELD} select").wait_for()


def add(page, name, data):
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Add a file").click()
    chooser.value.set_files({"name": name, "mimeType": "application/octet-stream", "buffer": data})


def test_a_file_is_added_and_chosen(open_page, server, dataset):
    page = open_page()
    shown(page, server, dataset)
    add(page, "mine.safetensors", weights_file())
    page.wait_for_url(re.compile(r"set\.weights=.*mine\.safetensors"))
    chosen = page.locator(f"{FIELD} select option:checked")
    chosen.filter(has_text="mine.safetensors").wait_for(state="attached")
    page.reload()
    find(page)
    chosen.filter(has_text="mine.safetensors").wait_for(state="attached")
    page.locator(f"{FIELD} select").select_option(label="None: from nothing")
    page.wait_for_function("() => !location.search.includes('set.weights')")


def test_a_wrong_file_is_refused_where_it_was_added(open_page, server, dataset):
    page = open_page(strict=False)  # the browser notes the refused upload
    shown(page, server, dataset)
    add(page, "photo.pt", b"a photograph")
    page.locator(f"{FIELD} .notice", has_text="photo.pt is no file of weights").wait_for()
    assert page.get_by_role("button", name="Add a file").is_enabled()


def test_official_weights_are_offered_for_the_backbone_that_has_some(open_page, server, dataset):
    page = open_page()
    shown(page, server, dataset)
    official = page.locator("[data-weights-official]")
    assert official.is_hidden(), "the tiny backbone has none"
    offered = {one["backbone"]: one for one in server.call("GET", "/api/weights")["official"]}["mobilenet_v3"]
    shown(page, server, dataset, **{"model.backbone": "mobilenet_v3"})
    official.wait_for()
    assert offered["host"] in official.inner_text()
    assert re.search(r"about 22\.\d.MB", official.inner_text())
