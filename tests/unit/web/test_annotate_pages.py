"""The annotator's pages as HTML: choosing, the way to an open item, what the script is given."""

import html
import json
import re
import uuid

import pytest

from rcg.datasets.kinds import shipped
from rcg.store.dataset_models import AnnotationRow, Dataset, DatasetItem


@pytest.fixture
def made(container):
    """Makes a dataset of a kind with an item per label state; returns its id and theirs."""

    def make(*states, name="Dents <b>", kind="surface_damage"):
        with container.db.write() as session:
            schema = shipped()[kind].label_schema.model_dump(mode="json")
            dataset = Dataset(name=name, kind=kind, label_schema=schema)
            session.add(dataset)
            session.flush()
            rows = [
                DatasetItem(
                    id=uuid.uuid4().hex, dataset_id=dataset.id, name=f"{number}.png", position=number,
                    width_px=200, height_px=100, px_per_mm=20, card_key=str(number), source="upload",
                    state="ready", label_state=state,
                )
                for number, state in enumerate(states)
            ]  # fmt: skip
            session.add_all(rows)
            return dataset.id, [row.id for row in rows]

    return make


def config_of(page):
    return json.loads(html.unescape(re.search(r"data-config='([^']*)'", page)[1]))


def test_without_datasets_the_page_says_where_to_begin(client):
    page = client.get("/annotate/").text
    assert "Nothing to annotate yet" in page
    assert 'href="/studio/"' in page


def test_choosing_shows_what_is_left(client, container, made):
    dataset, (_, second, _) = made("labelled", "predicted", "unlabelled")
    with container.db.write() as session:
        session.add(
            AnnotationRow(
                item_id=second,
                dataset_id=dataset,
                class_name="dent",
                state="predicted",
                position=0,
                body="{}",
            )
        )
    made("labelled", name="All done")
    made(name="Empty")
    page = client.get("/annotate/").text
    assert "2 left of 3" in page
    assert "1 suggestion waiting" in page
    assert "all 1 labelled" in page
    assert "no items yet" in page
    assert "<b>" not in page.replace("&lt;b&gt;", "")
    assert "No dataset matches" in client.get("/annotate/?q=unicorn").text


def test_a_dataset_opens_at_its_first_open_item(client, made):
    dataset, items = made("labelled", "unlabelled", "predicted")
    answer = client.get(f"/annotate/{dataset}")
    assert (answer.status_code, answer.headers["location"]) == (303, f"/annotate/{dataset}/{items[1]}")
    by_name = client.get("/annotate/?dataset=Dents%20%3Cb%3E")
    assert by_name.headers["location"] == "/annotate/Dents%20%3Cb%3E"
    assert client.get(by_name.headers["location"]).headers["location"].endswith(items[1])


def test_a_dataset_where_all_is_labelled_opens_at_its_first_item(client, made):
    dataset, items = made("labelled", "labelled")
    assert client.get(f"/annotate/{dataset}").headers["location"].endswith(items[0])


def test_a_dataset_without_items_says_so(client, made):
    dataset, _ = made()
    page = client.get(f"/annotate/{dataset}").text
    assert "No items yet" in page
    assert f"/studio/datasets/{dataset}" in page


def test_the_script_is_given_the_schema_and_the_kinds_layers(client, made):
    dataset, (item,) = made("unlabelled")
    page = client.get(f"/annotate/{dataset}/{item}").text
    config = config_of(page)
    assert (config["dataset"], config["item"], config["name"]) == (dataset, item, "Dents <b>")
    assert config["schema"]["classes"][0]["name"] == "dent"
    assert config["layers"][:3] == ["colour", "albedo", "normal"]
    assert "<b>" not in page
    assert f"/api/items/{item}/annotations" in page


@pytest.mark.parametrize(
    ("kind", "tools"),
    [
        ("surface_damage", ["select", "box", "polygon", "hole", "quad"]),
        ("corner_detection", ["select", "points"]),
    ],
)
def test_only_tools_that_the_labels_know_are_there(client, made, kind, tools):
    dataset, (item,) = made("unlabelled", kind=kind)
    page = client.get(f"/annotate/{dataset}/{item}").text
    assert re.findall(r'data-tool="(\w+)"', page) == tools


def test_an_item_of_another_dataset_is_not_found(client, made):
    dataset, _ = made("unlabelled")
    _, (other,) = made("unlabelled", name="Others")
    answer = client.get(f"/annotate/{dataset}/{other}")
    assert answer.status_code == 404
    assert other in answer.text
    assert client.get(f"/annotate/{dataset}/none").status_code == 404
    assert client.get("/annotate/none").status_code == 404
