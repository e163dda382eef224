"""The pages of training over runs written by hand."""

import html
import json
import re
from types import SimpleNamespace

import pytest
from handmade_run import add_model, add_run, add_version, quality

from rcg.store.training_models import Model
from rcg.web.train import compare, views

BOLD = "&lt;b&gt;"


def change(container, model_id, **values):
    with container.db.write() as session:
        model = session.get(Model, model_id)
        for key, value in values.items():
            setattr(model, key, value)


def about(page, island):
    """What a page tells its island."""
    return json.loads(html.unescape(re.search(rf'data-island="{island}"[^>]* data-about="([^"]*)"', page)[1]))


def test_no_runs_is_an_invitation(client):
    page = client.get("/train/").text
    assert "No runs yet" in page
    assert 'data-island="first-model"' in page
    assert "Build my first model" in page
    assert "Create a dataset" in page


def test_with_a_dataset_the_invitation_is_to_train_it(client, container):
    add_version(container)
    page = client.get("/train/").text
    assert 'class="button primary" href="/train/new"' in page


def test_runs_show_their_state_progress_and_best_against_the_target(client, container):
    running = add_run(container, name="Half way", upto=120)
    done = add_run(container, name="Enough", state="done", upto=240, stopped_by="target")
    page = client.get("/train/").text
    half = page.split(f'data-run="{running}"')[1].split("</tr>")[0]
    assert 'value="0.5000"' in half
    assert f"{quality(120)[0]:.3f}" in half
    assert "target 0.800" in half
    assert "reached" not in half
    enough = page.split(f'data-run="{done}"')[1].split("</tr>")[0]
    assert "240 steps in 1\u2009min 40\u2009s" in enough
    assert "reached" in enough


def test_runs_are_found_filtered_and_sorted(client, container):
    low = add_run(container, name="Early alpha", upto=24)
    high = add_run(container, name="Late beta", state="done", upto=240)
    none = add_run(container, name="Waiting gamma", state="queued", upto=0)

    def shown(query):
        return re.findall(r'data-run="(\w+)"', client.get(f"/train/?{query}").text)

    assert shown("q=beta") == [high]
    assert set(shown("state=active")) == {low, none}
    assert shown("sort=best") == [high, low, none], "runs without a value come last"
    assert shown("sort=name") == [low, high, none]
    assert "No run matches" in client.get("/train/?q=unicorn").text


def test_a_running_run_can_be_paused_stopped_and_extended(client, container):
    page = client.get(f"/train/runs/{add_run(container)}").text
    for what in ("pause", "stop", "evaluate"):
        assert f'data-do="{what}"' in page
    assert 'data-extend="240"' in page
    assert "data-ask-cancel" in page
    assert 'data-do="resume"' not in page
    assert "rcg train" in page


def test_the_page_tells_its_script_classes_metric_and_target(client, container):
    told = about(client.get(f"/train/runs/{add_run(container)}").text, "train-run")
    assert told["metric"] == "mask_ap50"
    assert told["target"] == {"metric": "mask_ap50", "value": 0.8}
    assert told["classes"]["dent"] == {"title": "Dent", "colour": 1}
    assert told["measures"]["error_px"] == {
        "title": "Point error", "unit": "px", "higher": False,
        "about": "Mean distance in pixels of the training size.",
    }  # fmt: skip


def test_a_queued_run_names_what_goes_before_it(client, container):
    first = add_run(container, name="In front", upto=97)
    second = add_run(container, name="Next in line", state="queued", upto=0)
    third = add_run(container, name="Last in line", state="queued", upto=0)
    page = client.get(f"/train/runs/{third}/head").text
    assert "2 runs go before it" in page
    assert re.findall(r'<li>.*?href="/train/runs/(\w+)"', page) == [first, second]
    assert "1 run goes before it" in client.get(f"/train/runs/{second}/head").text


def test_a_paused_run_can_go_on(client, container):
    page = client.get(f"/train/runs/{add_run(container, state='paused', upto=60)}").text
    assert "Paused at step 60." in page
    assert 'data-do="resume"' in page
    assert 'data-do="pause"' not in page


def test_a_failed_run_says_why_and_what_now(client, container):
    error = {
        "error": "out_of_memory",
        "detail": "Not even one item fits.",
        "hint": "Choose a smaller input size.",
    }
    run = add_run(container, state="failed", upto=80, error=error)
    page = client.get(f"/train/runs/{run}").text
    assert "Not even one item fits." in page
    assert "Choose a smaller input size." in page
    assert "goes on from its last checkpoint" in page
    assert 'data-do="resume"' in page
    assert "/jobs?job=" in page
    unbegun = client.get(
        f"/train/runs/{add_run(container, name='x', state='failed', upto=0, error=error)}"
    ).text
    assert "Start again" in unbegun
    assert "from its last checkpoint." not in unbegun.split('id="tr-cancel"')[0]


def test_an_ended_run_is_its_result(client, container):
    run = add_run(container, state="done", upto=240, stopped_by="target")
    model = add_model(container, run)
    page = client.get(f"/train/runs/{run}").text
    overall, classes = quality(240)
    assert f'<p class="figure-large">{overall:.3f}</p>' in page
    assert f"{0.9 * overall:.3f} to {1.07 * overall:.3f}" in page
    for value in classes.values():
        assert f"{value:.3f}" in page
    assert "target 0.800 reached" in page
    assert "the target was reached" in page
    assert f'data-use="{model}" data-to="true"' in page
    assert f'data-predict="{model}"' in page
    assert f"from={run}" in page
    for what in ("dataset version: ", "spec: ", "weights: "):
        assert re.search(rf'title="{what}[0-9a-f]{{64}}"', page), what


def test_a_missed_target_is_said(client, container):
    run = add_run(container, state="done", upto=48, stopped_by="patience")
    add_model(container, run)
    page = client.get(f"/train/runs/{run}").text
    assert "target 0.800 not reached" in page
    assert "it had stopped getting better" in page


def test_a_model_in_use_leads_to_grading(client, container):
    run = add_run(container, state="done", upto=240)
    model = add_model(container, run, in_use=True)
    page = client.get(f"/train/runs/{run}").text
    assert "in use" in page
    assert f'data-use="{model}" data-to="false"' in page
    assert "Grade a card with it" in page


def test_a_target_of_an_error_is_reached_from_above():
    def reached(best):
        spec = {"stop": {"target": {"metric": "error_px", "value": 1.0}}}
        row = SimpleNamespace(spec=spec, metric="error_px", stopped_by="steps", best=best)
        return views._target(row, views.METRICS["error_px"]).reached

    assert reached(0.9)
    assert not reached(1.1)
    assert not reached(None)


def test_a_run_whose_dataset_is_gone_still_shows(client, container):
    run = add_run(container, state="done", upto=240, dataset_id=None)
    page = client.get(f"/train/runs/{run}").text
    assert "(deleted)" in page
    assert "/studio/datasets/" not in page


def test_a_new_run_begins_with_what_the_address_says(client, container):
    dataset, _, _ = add_version(container, "Dents")
    other, _, _ = add_version(container, "Edges")
    page = client.get(f"/train/new?dataset={dataset}&version=1&arch=mask_rcnn_primary&preset=balanced").text
    assert f'value="{dataset}" data-name="Dents" selected' in page
    assert f'value="{other}" data-name="Edges">' in page
    assert 'data-preset="balanced" aria-pressed="true"' in page
    told = about_new(page)
    assert (told["dataset"], told["version"], told["arch"]) == (dataset, 1, "mask_rcnn_primary")
    assert "BODY" in told["curl"]
    assert "/api/training/start" in told["curl"]


def about_new(page):
    found = re.search(r'data-island="train-new" data-about="([^"]*)"', page)
    return json.loads(html.unescape(found[1]))


def test_a_dataset_can_be_named(client, container):
    dataset, _, _ = add_version(container, "Dents and scratches")
    assert about_new(client.get("/train/new?dataset=Dents and scratches").text)["dataset"] == dataset


def test_an_unknown_dataset_is_said_and_others_are_offered(client, container):
    add_version(container, "Dents")
    page = client.get("/train/new?dataset=nothing&version=x&preset=absurd").text
    assert "There is no dataset “nothing”." in page
    assert "Dents" in page
    told = about_new(page)
    assert (told["dataset"], told["version"], told["preset"]) == ("", None, "")


def test_without_datasets_a_new_run_leads_to_one(client):
    page = client.get("/train/new").text
    assert "Nothing to train on yet" in page
    assert 'data-island="first-model"' in page


def test_models_are_listed_with_their_figures(client, container):
    run = add_run(container, state="done", upto=240)
    first = add_model(container, run, name="First")
    add_model(container, run, name="Second", in_use=True)
    page = client.get("/train/models").text
    assert "2 models, 1 in use" in page
    assert f'data-use="{first}" data-to="true"' in page
    assert f"{quality(240)[0]:.3f}" in page
    assert "Surface damage" in page
    used = client.get("/train/models?used=yes").text
    assert "Second" in used
    assert f"/train/models/{first}" not in used
    assert "No models yet" not in client.get("/train/models?q=unicorn").text


def test_no_models_is_an_invitation(client):
    page = client.get("/train/models").text
    assert "No models yet" in page
    assert 'data-island="first-model"' in page


def test_a_model_shows_where_it_comes_from_and_what_to_do(client, container):
    run = add_run(container, name="Origin", state="done", upto=240)
    model = add_model(container, run)
    page = client.get(f"/train/models/{model}").text
    assert f'href="/train/runs/{run}">Origin</a>, step 240' in page
    assert "1\u2009640\u2009000 parameters" in page
    assert "colour, normal, curvature at 160 × 224" in page
    assert "Origin data, 0 unlabelled" in page
    assert f"/api/models/{model}/use" in page
    change(container, model, in_use=True)
    used = client.get(f"/train/models/{model}").text
    assert "Grading uses it: stop that first" in used
    assert " disabled" in used.split("data-ask-delete")[1].split(">")[0]


def test_a_model_without_figures_shows_dashes(client, container):
    model = add_model(container, add_run(container, state="done", upto=240))
    change(container, model, config={"rcg": "model"}, metrics={})
    page = client.get(f"/train/models/{model}").text
    assert '<p class="figure-large">-</p>' in page
    assert "no interval was measured" in page


def test_two_runs_are_compared(client, container):
    first = add_run(container, name="Colour", state="done", upto=240)
    add_model(container, first, name="Colour model")
    second = add_run(container, name="Relief", upto=48)
    page = client.get(f"/train/compare?a={first}&b={second}").text
    assert [each["id"] for each in about(page, "train-compare")["runs"]] == [first, second]
    assert "dataset.name" in page
    assert f"{quality(240)[0]:.3f}" in page
    assert [each["id"] for each in about(client.get("/train/compare").text, "train-compare")["runs"]] != []
    assert client.get("/train/compare?a=none").status_code == 404


def test_specs_differ_where_they_differ():
    a = {
        "format": 1,
        "optimiser": {"lr": 0.002, "clip": 5},
        "recipe": {"name": "flips", "steps": []},
        "weights": None,
    }
    b = {"format": 1, "optimiser": {"lr": 0.01, "clip": 5}, "recipe": None, "weights": None, "seed": 3}
    assert compare.differences(a, b) == [
        ("optimiser.lr", 0.002, 0.01),
        ("recipe", "flips", None),
        ("seed", None, 3),
    ]


def test_one_run_cannot_be_compared(client, container):
    add_run(container)
    assert "It takes two" in client.get("/train/compare").text


@pytest.mark.parametrize("path", ["runs/none", "runs/none/head", "models/none"])
def test_what_is_not_there_says_so(client, path):
    answer = client.get(f"/train/{path}")
    assert answer.status_code == 404
    assert "There is no" in answer.text


def test_names_are_escaped_and_nothing_is_inline(client, container):
    run = add_run(container, name="<b>Bold</b>", state="done", upto=240)
    model = add_model(container, run, name="<b>Bold</b> model")
    other = add_run(container, name="<b>Other</b>")
    for path in (
        "",
        "new",
        f"runs/{run}",
        f"runs/{other}",
        "models",
        f"models/{model}",
        f"compare?a={run}&b={other}",
    ):
        page = client.get(f"/train/{path}").text
        assert "<b>" not in page, path
        assert BOLD in page, path
        assert not re.search(r"\sstyle=|\son\w+=|<style|<script(?![^>]*\bsrc=)", page), path
