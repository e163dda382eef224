"""The pages of datasets read as HTML: what stands on them is what is in the store."""

import re

import pytest

from rcg.api import dataset_schemas as schemas
from rcg.api.services.datasets import catalogue, health, kinds, versions
from rcg.api.version_schemas import VersionIn
from rcg.datasets.kinds import resolve, shipped
from rcg.datasets.schema import Kind
from rcg.store.base import new_id
from rcg.store.models import Job
from rcg.store.repositories import items
from rcg.web.onward import onward
from rcg.web.studio import filters
from rcg.web.studio.fit import readiness
from rcg.web.studio.kind_cards import free_name, kind_card, teaches
from rcg.web.studio.path import Figures, counted, steps, train_address

SHA = "a" * 64


def make(container, name="Dents", kind="surface_damage"):
    return catalogue.create(container, schemas.DatasetIn(name=name, kind=kind)).id


def add_items(container, dataset, *, labelled=0, unlabelled=0, predicted=0, broken=0, small=0):
    """Items whose files nobody asks for."""
    states = [("ready", "labelled")] * labelled + [("ready", "unlabelled")] * unlabelled
    states += [("ready", "predicted")] * predicted + [("broken", "unlabelled")] * broken
    ids = []
    with container.db.write() as session:
        place = items.next_position(session, dataset)
        rows = []
        for number, (state, label_state) in enumerate(states):
            problem = "cut short" if state == "broken" else "Small: 90 x 90 px" if number < small else ""
            ids.append(new_id())
            rows.append({
                "id": ids[-1], "dataset_id": dataset, "name": f"<b>{place + number}</b>.png",
                "position": place + number,
                "width_px": 400, "height_px": 500, "px_per_mm": None, "margin_mm": 0.0,
                "card_key": f"card {place + number}", "card_id": None, "split": None, "side": None,
                "source": "upload", "lights": None, "state": state, "problem": problem,
                "label_state": label_state, "revision": 0, "phash": None, "thumbnail_sha256": SHA,
            })  # fmt: skip
        items.insert_items(session, rows)
    return ids


def step(page, key):
    return page.split(f'data-step="{key}"')[1].split("</li>")[0]


# --- the list


def test_no_datasets_is_an_invitation(client):
    page = client.get("/studio/").text
    assert "No datasets yet" in page
    assert "data-render-sample" in page
    assert page.count("data-create>") == 1, "one primary action"


def test_the_list_shows_what_is_in_each_dataset_and_is_narrowed_by_the_address(client, container):
    dents, centering = make(container), make(container, "Holo & co", "centering_analysis")
    add_items(container, dents, labelled=2, unlabelled=1)
    page = client.get("/studio/").text
    tile = page.split(f'href="/studio/datasets/{dents}"')[1].split("</li>")[0]
    assert 'max="3" value="2"' in tile
    assert "3 items" in tile
    assert "2 labelled" in tile
    assert "no items yet" in page.split(f'href="/studio/datasets/{centering}"')[1].split("</li>")[0]
    assert "Holo &amp; co" in page
    only = client.get("/studio/?kind=centering_analysis").text
    assert centering in only
    assert dents not in only
    assert "Centering (1)" in only
    assert "No dataset matches" in client.get("/studio/?q=unicorn").text
    by_name = client.get("/studio/?sort=name").text
    assert by_name.index(dents) < by_name.index(centering)


def test_the_nine_kinds_are_offered_with_what_they_teach_and_need(client, container):
    make(container, "Corner damage")
    page = client.get("/studio/?new=corner_damage").text
    offered = re.findall(r'type="radio" name="kind" value="(\w+)"', page)
    assert sorted(offered) == sorted(shipped())
    assert len(offered) == 9
    assert re.search(r'value="corner_damage" data-proposal="Corner damage 2" checked', page), "a free name"
    assert "needs relief (normal)" in page
    assert "8 points" in page
    assert "Precision points" in page


def test_ones_own_kinds_are_offered_apart(client, container):
    kinds.create(
        container,
        Kind(**resolve("surface_damage").model_dump() | {"name": "pin_holes", "title": "Pin <i>holes</i>"}),
    )
    page = client.get("/studio/?new=1").text
    assert "Of your own" in page
    assert "Pin &lt;i&gt;holes&lt;/i&gt;" in page
    assert "<i>holes</i>" not in page


# --- one dataset


def test_an_empty_dataset_says_what_comes_first_and_why_not_the_rest(client, container):
    page = client.get(f"/studio/datasets/{make(container)}").text
    assert "primary" in step(page, "fill")
    assert "0 items" in step(page, "fill")
    for key in ("annotate", "version", "train"):
        assert "disabled" in step(page, key)
        assert "primary" not in step(page, key)
    assert "Drop images, folders or archives" in page


def test_an_unlabelled_dataset_leads_to_the_first_item_without_labels(client, container):
    dataset = make(container)
    ids = add_items(container, dataset, broken=0, unlabelled=2)
    page = client.get(f"/studio/datasets/{dataset}").text
    assert f'href="/annotate/{dataset}/{ids[0]}"' in step(page, "annotate")
    assert "primary" in step(page, "annotate")
    assert "0 of 2 labelled" in step(page, "annotate")
    assert "Label at least one item first." in step(page, "train")


def test_a_labelled_dataset_leads_to_training_and_says_that_a_version_will_be_made(client, container):
    dataset = make(container)
    add_items(container, dataset, labelled=3, unlabelled=1)
    page = client.get(f"/studio/datasets/{dataset}").text
    assert f'href="/train/new?dataset={dataset}"' in step(page, "train")
    assert "v1 will be made" in step(page, "train")
    assert "primary" in step(page, "train")


def test_a_version_is_listed_and_chosen_for_training(client, container):
    dataset = make(container)
    add_items(container, dataset, labelled=4)
    made = versions.make(container, dataset, VersionIn(note="a <first> one", seed=3))
    page = client.get(f"/studio/datasets/{dataset}?tab=versions").text
    assert f"/train/new?dataset={dataset}&amp;version=1" in step(page, "train")
    assert "a &lt;first&gt; one" in page
    assert made.hash[:10] in page
    assert f"/api/versions/{made.id}/manifest" in page
    add_items(container, dataset, labelled=2)
    assert "2 items more since" in step(client.get(f"/studio/datasets/{dataset}").text, "version")
    assert "2 items more since" in client.get(f"/studio/datasets/{dataset}/path").text, (
        "the part that is renewed"
    )


def test_filters_stand_in_the_address_with_their_counts(client, container):
    dataset = make(container)
    add_items(container, dataset, labelled=2, unlabelled=3, predicted=1, broken=1, small=1)
    page = client.get(f"/studio/datasets/{dataset}").text
    chip = r'data-value="(\w+)"[^>]*>[^<]*<span class="figure faint" data-chip-count>(\d+)'
    counts = dict(re.findall(chip, page))
    assert counts["labelled"] == "2"
    assert counts["unlabelled"] == "4"
    assert counts["predicted"] == "1"
    assert counts["broken"] == "1"
    assert counts["true"] == "2", "with a note: the small one and the broken one"
    narrowed = client.get(f"/studio/datasets/{dataset}?label_state=predicted").text
    assert 'data-grid data-total="1"' in narrowed
    assert re.search(r'data-value="predicted" aria-current="true"', narrowed)
    assert "No item matches" in narrowed
    assert 'data-total="0"' in client.get(f"/studio/datasets/{dataset}?q=nothing").text


def test_names_of_items_are_escaped(client, container):
    dataset = make(container, "<b>Bold<b>")
    add_items(container, dataset, unlabelled=1)
    page = client.get(f"/studio/datasets/{dataset}").text
    assert "<b>0</b>" not in page
    assert "<b>Bold<b>" not in page
    assert "&lt;b&gt;0&lt;/b&gt;.png" in page


@pytest.mark.parametrize("part", ["side", "health"])
def test_the_readiness_names_every_architecture_with_its_reason(client, container, part):
    dataset = make(container)
    add_items(container, dataset, labelled=1)
    side = client.get(f"/studio/datasets/{dataset}/{part}").text
    assert "Mask R-CNN" in side
    assert f"/train/new?dataset={dataset}&amp;arch=mask_rcnn_primary" in side
    assert "It needs relief" in side, "photographs alone have none"
    assert "It learns named points" in side
    assert "insufficient" in side


@pytest.mark.parametrize("part", ["side", "health"])
def test_problems_are_links_to_the_items_that_have_them(client, container, part):
    dataset = make(container)
    add_items(container, dataset, labelled=1, unlabelled=2, broken=1)
    page = client.get(f"/studio/datasets/{dataset}/{part}").text
    assert re.search(rf'href="/studio/datasets/{dataset}\?problem=broken"[^>]*>1<', page)
    assert re.search(rf'href="/studio/datasets/{dataset}\?problem=unlabelled"[^>]*>2<', page)
    assert "No labelled item has a single annotation" in page
    assert 'data-grid data-total="1"' in client.get(f"/studio/datasets/{dataset}?problem=broken").text
    assert 'data-grid data-total="0"' in client.get(f"/studio/datasets/{dataset}?problem=mended").text


def test_jobs_about_a_dataset_stand_on_its_page(client, container):
    dataset = make(container)
    with container.db.write() as session:
        session.add(
            Job(
                kind="ingest",
                title="Read 3 images",
                subject=f"dataset:{dataset}",
                state="running",
                progress=0.5,
                spec={},
            )
        )
    assert "Read 3 images" in client.get(f"/studio/datasets/{dataset}/path").text


def test_a_missing_dataset_is_a_page_in_the_words_of_the_api(client):
    page = client.get("/studio/datasets/none")
    assert page.status_code == 404
    assert "There is no dataset &#39;none&#39;." in page.text


# --- kinds


def test_a_kind_that_ships_is_described_and_can_be_begun_from(client):
    page = client.get("/studio/kinds/corner_analysis").text
    assert "corner_detection" in page, "found by its alias"
    assert "/studio/kinds/new?from=corner_detection" in page
    assert 'data-island="kind-form"' not in page
    assert client.get("/studio/kinds/none").status_code == 404


def test_the_form_of_a_kind_begins_like_the_one_named(client):
    page = client.get("/studio/kinds/new?from=centering_analysis").text
    editor = page.split("data-schema-editor")[1]
    assert 'data-task="points"' in editor
    assert editor.split("<template")[0].count("data-point ") == 8
    assert 'value="outer_top_right"' in editor
    assert re.search(r'value="precision_measurement_network" checked', page)


def test_a_kind_of_ones_own_is_a_form_that_keeps_its_name(client, container):
    kinds.create(container, Kind(**resolve("edge_damage").model_dump() | {"name": "nicks", "title": "Nicks"}))
    page = client.get("/studio/kinds/nicks").text
    assert re.search(r'value="nicks"[^>]*readonly', page)
    assert "data-delete-kind" in page


# --- pure parts


@pytest.mark.parametrize(
    ("at", "primary"),
    [
        (Figures(items=0, labelled=0, annotations=0), "fill"),
        (Figures(items=5, labelled=0, annotations=0, next_item="x"), "annotate"),
        (Figures(items=5, labelled=1, annotations=0, next_item="x"), "train"),
        (
            Figures(items=5, labelled=5, annotations=9, version=2, versions=2, beyond=0, next_item="x"),
            "train",
        ),
    ],
)
def test_exactly_one_step_is_the_next(at, primary):
    assert [one.key for one in steps("d", at) if one.primary] == [primary]


def test_steps_say_how_far_they_are():
    at = Figures(
        items=12_000,
        labelled=12_000,
        annotations=1,
        version=3,
        versions=3,
        beyond=7,
        next_item="x",
        broken=2,
        pending=1,
    )
    fill, annotate, version, train = steps("d", at)
    assert (fill.figure, fill.note) == ("12\u202f000 items", "1 being read, 2 cannot be read")
    assert (annotate.action, annotate.state, annotate.note) == ("Look through", "done", "1 annotation")
    assert (version.figure, version.note, version.state) == ("v3", "7 items more since", "now")
    assert train.href == "/train/new?dataset=d&version=3"


def test_counts_and_addresses():
    assert counted(1, "item") == "1 item"
    assert train_address("d", None, "photometric_fusion") == "/train/new?dataset=d&arch=photometric_fusion"


def test_a_chip_that_is_on_is_taken_off_by_its_own_link(container):
    detail = catalogue.get(container, make(container))
    groups = filters.chips(detail, {"label_state": "labelled", "q": "a b"}, by_class={}, flagged=0)
    (chip,) = groups["Labels"]
    assert chip.on
    assert chip.href == f"/studio/datasets/{detail.id}?q=a+b"


def test_kinds_say_in_short_what_they_teach():
    assert teaches(resolve("centering_analysis")) == "8 points"
    assert teaches(resolve("surface_damage")) == "dent, bump, scratch and 5 more"
    assert teaches(resolve("dual_border_detection")) == "outer border, inner border"
    assert kind_card(resolve("photometric_fusion")).needs == "relief (normal)"
    assert free_name("Edges", {"Edges", "Edges 2"}) == "Edges 3"


def test_nothing_is_ready_while_nothing_is_labelled(container):
    detail = catalogue.get(container, make(container))
    shown = readiness(detail, health.readiness(container, detail.id))
    assert shown.tier == "insufficient"
    assert {fit.name for fit in shown.fits} >= {"mask_rcnn_primary", "precision_measurement_network"}
    assert not any(fit.ready for fit in shown.fits)


def test_no_page_carries_inline_script_or_style(client, container):
    dataset = make(container)
    add_items(container, dataset, labelled=1)
    versions.make(container, dataset, VersionIn())
    for path in (
        "/studio/", f"/studio/datasets/{dataset}", f"/studio/datasets/{dataset}/side",
        "/studio/kinds/new", "/studio/kinds/multi_modal",
    ):  # fmt: skip
        page = client.get(path).text
        assert not re.search(r"\sstyle=|\son\w+=|<style|<script(?![^>]*\bsrc=)", page), path


@pytest.mark.parametrize(
    ("kind", "subject", "result", "href"),
    [
        ("grade", "card:c", {"grade_id": "g"}, "/grade/reports/g"),
        ("train", "run:r", {}, "/train/runs/r"),
        ("dataset_render", "dataset:d", {"run_id": "r"}, "/train/runs/r"),
        ("ingest", "dataset:d", {}, "/studio/datasets/d"),
        ("dataset_import", "dataset:d", {}, "/studio/datasets/d?imported=j"),
        ("dataset_export", "dataset:d", {}, "/api/datasets/d/exports/j"),
        ("predict", "dataset:d", {}, "/studio/datasets/d?label_state=predicted"),
    ],
)
def test_a_job_that_is_done_leads_on(kind, subject, result, href):
    job = Job(id="j", kind=kind, subject=subject, result=result, state="done", title="", spec={})
    way = onward(job)
    assert way is not None
    assert way.href == href
    job.state = "running"
    assert onward(job) is None
