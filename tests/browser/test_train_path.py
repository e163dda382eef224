"""The path of a training in a browser: choose, check, launch, watch, leave and come back, use the model."""

import re
import time

import pytest
from accessible import AXE

# Its own waits say what did not come; the usual limit would end them first where the computer is busy.
pytestmark = [pytest.mark.browser, pytest.mark.timeout(900)]
RENDERING_S = 240
TRAINING_MS = 240_000
STEPS, EVERY = 24, 8
STEP = "[data-reading=step] [data-value]"


@pytest.fixture(scope="module")
def rendered(server):
    """The id of a dataset of rendered cards."""
    made = server.call(
        "POST",
        "/api/datasets/render",
        {"name": "Rendered dents", "kind": "surface_damage", "cards": 8, "seed": 5},
    )
    job = made["job"]["id"]
    end = time.monotonic() + RENDERING_S
    while (row := server.call("GET", f"/api/jobs/{job}"))["state"] in {"queued", "running"}:
        assert time.monotonic() < end, f"the cards were not rendered in {RENDERING_S} s"
        time.sleep(0.3)
    assert row["state"] == "done", row["error"]
    return made["dataset"]["id"]


def option(page, key):
    """The field of an option, its group opened."""
    page.get_by_label("Search options").fill(key)
    field = page.locator(f"[data-field='{key}'] input")
    field.wait_for()
    return field


def set_option(page, key, value):
    field = option(page, key)
    field.fill(str(value))
    field.press("Tab")


def numbers(page, chart):
    """The rows of the table under a chart."""
    details = page.locator(f"[data-chart={chart}] details")
    if details.get_attribute("open") is None:
        details.locator("summary").click()
    details.locator("tbody tr").first.wait_for()
    return details.locator("tbody tr").all_inner_texts()


def drawn_to_the_end(page):
    """The rows of both tables once the last evaluation is drawn; a tab that nobody looks at draws nothing."""
    page.bring_to_front()
    page.locator(".tr-result").wait_for(timeout=TRAINING_MS)
    numbers(page, "metrics")
    page.locator("[data-chart=metrics] tbody td:first-child", has_text=re.compile(rf"^{STEPS}$")).wait_for()
    page.locator(STEP, has_text=re.compile(rf"^{STEPS}$")).wait_for(state="attached")
    return numbers(page, "loss"), numbers(page, "metrics")


def accessible(page):
    page.evaluate(AXE.read_text("utf-8"))
    result = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [f"{v['id']}: {v['nodes'][0]['html'][:160]}" for v in result["violations"]]


def test_from_a_dataset_to_a_model_in_use(open_page, server, rendered):
    page = open_page(bypass_csp=True)
    page.goto(f"/train/new?dataset={rendered}&preset=quick")
    page.locator("[data-field]").first.wait_for()
    assert page.locator("#new-dataset").input_value() == rendered
    assert page.locator("[data-arch][aria-pressed=true]").count() == 1, "one that fits is chosen"
    assert page.locator("[data-arch=precision_measurement_network]").get_attribute("aria-disabled") == "true"
    why = page.locator("[data-field='optimiser.lr'] [data-why]").text_content()
    assert why.endswith("."), "every value has its reason"

    set_option(page, "steps", STEPS)
    set_option(page, "eval_every", EVERY)
    set_option(page, "batch_size", 2)
    set_option(page, "input_size", "96 x 128")
    page.wait_for_url(re.compile(rf"set\.steps={STEPS}.*set\.eval_every={EVERY}.*set\.input_size="))
    assert f"--set steps={STEPS}" in page.locator("#same-new-cli").text_content()
    page.reload()
    page.locator("[data-field].is-changed").first.wait_for(state="attached")
    assert option(page, "steps").input_value() == str(STEPS), "the choices stand in the address"

    page.get_by_role("button", name="Pre-flight").click()
    page.locator("[data-flight] dl").wait_for(timeout=TRAINING_MS)
    assert re.search(r"\d", page.locator("[data-flight] dd").nth(1).inner_text()), (
        "seconds per step, measured"
    )
    assert accessible(page) == []

    page.get_by_label("Name").fill("Walked by hand")
    page.get_by_role("button", name="Launch").dblclick()
    page.wait_for_url(re.compile("/train/runs/[0-9a-f]{32}$"))
    run = page.url.rsplit("/", 1)[1]
    launched = server.call("GET", "/api/training")
    assert [run["name"] for run in launched["items"]] == ["Walked by hand"], "two clicks are one run"

    page.wait_for_function(
        f"() => Number(document.querySelector('{STEP}').textContent) >= 1", timeout=TRAINING_MS
    )
    page.locator("[data-do=pause]").click()
    page.locator("#run-head[data-run-state=paused]").wait_for(timeout=TRAINING_MS)
    before = numbers(page, "loss")
    assert len(before) >= 1
    page.reload()
    page.locator("[data-chart=loss] .u-over").wait_for()
    assert page.locator("#run-head").get_attribute("data-run-state") == "paused"
    assert numbers(page, "loss") == before, "a reload shows the same history"

    second = page.context.new_page()
    second.goto(f"/train/runs/{run}")
    second.locator("[data-chart=loss] .u-over").wait_for()
    page.locator("[data-do=resume]").click()
    shown = drawn_to_the_end(page)
    assert drawn_to_the_end(second) == shown, "both tabs show one history"
    evaluated = [int(row.split()[0]) for row in shown[1]]
    assert evaluated[0] == EVERY
    assert evaluated[-1] == STEPS, "an evaluation in between may be left out where it takes too long"
    second.close()
    page.bring_to_front()

    tiles = page.locator("[data-samples] [data-sample]")
    assert tiles.count() >= 1
    page.wait_for_function("() => document.querySelector('[data-samples] img').naturalWidth > 0")
    page.locator("[data-scrub-by='-1']").click()
    assert page.locator("[data-scrub-says]").inner_text() == f"step {evaluated[-2]}"
    tiles.first.click()
    assert page.locator("#tr-sample-title").inner_text().endswith(f"step {evaluated[-2]}")
    page.keyboard.press("ArrowUp")
    assert page.locator("#tr-sample-title").inner_text().endswith(f"step {STEPS}")
    page.keyboard.press("Escape")
    assert accessible(page) == []

    page.get_by_role("button", name="Use this model").click()
    page.get_by_text("Grading uses this model").wait_for()
    models = server.call("GET", "/api/models")["items"]
    assert [model["in_use"] for model in models] == [True]
    page.goto("/train/models")
    page.get_by_role("button", name="Stop using").click()
    page.get_by_role("button", name=re.compile("^Use ")).wait_for()
    assert accessible(page) == []


def test_a_wrong_value_is_said_at_its_field(open_page, rendered):
    page = open_page(strict=False)  # the browser notes the refused plan
    page.goto(f"/train/new?dataset={rendered}")
    page.locator("[data-field]").first.wait_for()
    set_option(page, "optimiser.lr", -1)
    error = page.locator("[data-field='optimiser.lr'] .error")
    error.filter(has_text="-1").wait_for()
    assert page.get_by_role("button", name="Launch").is_disabled()
    page.locator("[data-field='optimiser.lr'] [data-back]").click()
    error.filter(has_text="-1").wait_for(state="detached")
    page.wait_for_function("() => !document.querySelector('[data-launch]').disabled")


def test_an_unfit_or_empty_dataset_says_why(open_page, server):
    empty = server.call("POST", "/api/datasets", {"name": "Nothing in it", "kind": "surface_damage"})["id"]
    page = open_page(strict=False)
    page.goto(f"/train/new?dataset={empty}")
    page.locator("[data-problem] .notice").wait_for()
    assert page.get_by_role("button", name="Launch").is_disabled()
