import pytest
from small_set import CARD, FLAWS, kind_of, make

from rcg.datasets.kinds import shipped
from rcg.datasets.schema import LabelClass, LabelSchema
from rcg.errors import InputError
from rcg.training.anchors import plan_anchors
from rcg.training.architectures import ARCHITECTURES, compatible
from rcg.training.fields import FIELDS
from rcg.training.metrics import METRICS, metric
from rcg.training.plan import plan
from rcg.training.proposals import input_size
from rcg.training.spec import DatasetRef, MaskOptions, RunSpec, read_spec
from rcg.training.summary import Summary, summarise


@pytest.fixture(scope="module")
def summary(flaws):
    return summarise(flaws.manifest)


def planned(summary, architecture=None, preset="quick", **options):
    overrides = {key.replace("__", "."): value for key, value in options.items()}
    return plan(summary, kind_of(summary.label_schema), architecture, preset, overrides)


def codes(made):
    return {warning.code for warning in made.warnings}


def test_a_summary_counts_what_a_version_holds(summary, flaws):
    assert summary.items == {"train": 12, "val": 4}
    assert summary.cards == {"train": 12, "val": 4}
    assert (summary.width, summary.height, summary.smallest, summary.px_per_mm) == (64, 96, 64, 2.0)
    assert summary.classes == {"stain": {"train": 12, "val": 4}, "dent": {"train": 12, "val": 4}}
    assert summary.layers == {"colour": 16, "normal": 16}
    assert len(summary.boxes) == 24
    assert all(12 / 64 <= w <= 20 / 64 and 12 / 96 <= h <= 20 / 96 for _, w, h in summary.boxes)
    assert summary.manifest_sha256 == summarise(flaws.manifest).manifest_sha256
    assert Summary.model_validate_json(summary.model_dump_json()) == summary


def test_equal_specs_have_equal_hashes_and_any_change_another(summary):
    made = planned(summary).spec
    assert read_spec(made.model_dump(mode="json")).sha256() == made.sha256()
    assert len({planned(summary, seed=seed).spec.sha256() for seed in range(3)} | {made.sha256()}) == 3


@pytest.mark.parametrize("kind", sorted(shipped()))
def test_every_kind_that_ships_can_be_trained(kind, summary):
    shape = shipped()[kind]
    layers = dict.fromkeys(shape.layers, 4)
    boxes = [(name, 0.1, 0.1) for name in shape.label_schema.class_names]
    held = summary.model_copy(
        update={
            "kind": kind, "label_schema": shape.label_schema, "layers": layers, "boxes": boxes,
            "classes": {name: {"train": 9, "val": 9} for name in shape.label_schema.class_names},
            "points": dict.fromkeys(shape.label_schema.point_names, 9),
        }
    )  # fmt: skip
    made = plan(held, shape)
    assert made.spec.architecture == shape.architectures[0]
    assert made.spec.metric == shape.metric
    assert set(made.spec.channels) <= set(shape.layers)
    assert METRICS[made.spec.metric].task == shape.label_schema.task


def test_every_field_says_why_and_stands_in_the_spec(summary):
    made = planned(summary)
    spec = made.spec.model_dump(mode="json")
    for field in made.fields:
        value = spec
        for part in field.key.split("."):
            value = value[part]
        assert value == field.value or list(value) == field.value, field.key
        assert field.reason, field.key
        assert field.key in FIELDS


def test_what_depends_on_an_option_follows_it(summary):
    small, large = planned(summary), planned(summary, input_size=[128, 192])
    assert large.spec.model.anchor_sizes[0] == pytest.approx(2 * small.spec.model.anchor_sizes[0], rel=0.05)
    heavy = planned(summary, model__backbone="resnet50")
    assert heavy.spec.batch_size < small.spec.batch_size
    assert heavy.spec.optimiser.lr < small.spec.optimiser.lr
    assert heavy.spec.model.fpn_channels == 256


@pytest.mark.parametrize(
    ("key", "text", "value"),
    [
        ("steps", "40", 40),
        ("input_size", "128x192", (128, 192)),
        ("channels", "colour, normal", ("colour", "normal")),
        ("optimiser.lr", "5e-4", 5e-4),
        ("shuffle_labels", "yes", True),
        ("stop.patience", "none", None),
        ("recipe", "none", None),
        ("model.mask_resolution", "56", 56),
        ("model.anchor_ratios", "0.5 1 2", (0.5, 1, 2)),
    ],
)
def test_options_are_read_as_people_write_them(summary, key, text, value):
    made = plan(summary, kind_of(FLAWS), None, "quick", {key: text})
    found = made.spec
    for part in key.split("."):
        found = getattr(found, part)
    assert found == value


def test_a_target_is_written_in_one_piece_or_in_two(summary):
    whole = planned(summary, **{"stop.target": "box_ap50>=0.8"}).spec.stop.target
    halves = planned(
        summary, **{"stop.target.metric": "box_ap50", "stop.target.value": "0.8"}
    ).spec.stop.target
    alone = planned(summary, **{"stop.target.value": 0.8}).spec.stop.target
    assert (whole.metric, whole.value) == ("box_ap50", 0.8)
    assert whole == halves
    assert alone.metric == "mask_ap50"


@pytest.mark.parametrize(
    ("options", "words", "field"),
    [
        ({"lr": 1}, "optimiser.lr", "lr"),
        ({"model.bakbone": "tiny"}, "model.backbone", "model.bakbone"),
        ({"model.backbone": "vgg"}, "resnet18", "model.backbone"),
        ({"steps": 0}, "at least 1", "steps"),
        ({"steps": "many"}, "many", "steps"),
        ({"input_size": "100x100"}, "multiple of 32", "input_size"),
        ({"input_size": "128"}, "input_size", "input_size"),
        ({"channels": ["colour", "height"]}, "height", "channels"),
        ({"channels": "none,"}, "none", "channels"),
        ({"metric": "accuracy"}, "mask_ap50", "metric"),
        ({"stop.target": "mask_ap>=high"}, "mask_ap50>=0.9", "stop.target"),
        ({"stop.target": {"metric": "pck", "value": 1}}, "pck", None),
        ({"model.width": 8}, "none of this architecture", "model.width"),
        ({"recipe": {"steps": [{"op": "spin"}]}}, "spin", None),
        ({"weights": "abc"}, "weights", "weights.sha256"),
    ],
)
def test_a_wrong_option_is_named_with_the_way_out(summary, options, words, field):
    with pytest.raises(InputError) as caught:
        plan(summary, kind_of(FLAWS), None, "quick", options)
    assert words in str(caught.value)
    assert caught.value.hint
    if field is not None:
        assert caught.value.data["field"] == field


def test_unknown_names_are_refused(summary):
    with pytest.raises(InputError, match="mask_rcnn_primary"):
        planned(summary, "mask_rcnn")
    with pytest.raises(InputError, match="balanced"):
        planned(summary, preset="fast")
    with pytest.raises(InputError, match="no training option 'colour'"):
        read_spec({**planned(summary).spec.model_dump(mode="json"), "colour": 1})


def test_points_and_outlines_have_their_own_architectures(summary):
    with pytest.raises(InputError, match="named points") as caught:
        planned(summary, "precision_measurement_network")
    assert "mask_rcnn_primary" in caught.value.hint
    fits = {one.name: ok for one, ok, _ in compatible(kind_of(CARD))}
    assert fits == {name: name == "precision_measurement_network" for name in ARCHITECTURES}


def test_fusion_without_relief_is_refused_with_the_way_out(summary):
    plain = summary.model_copy(update={"layers": {"colour": 16}})
    with pytest.raises(InputError, match="needs relief") as caught:
        planned(plain, "photometric_fusion")
    assert "mask_rcnn_primary" in caught.value.hint
    with pytest.raises(InputError, match="needs relief") as caught:
        planned(summary, "photometric_fusion", channels=["colour"])
    assert "normal" in caught.value.hint
    assert "no_relief" in codes(planned(plain))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"items": {}}, "empty"),
        ({"items": {"val": 4}}, "training part"),
        ({"labelled": 0}, "annotation"),
    ],
)
def test_a_version_that_teaches_nothing_is_refused(summary, change, words):
    with pytest.raises(InputError, match=words) as caught:
        planned(summary.model_copy(update=change))
    assert caught.value.hint


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"items": {"train": 12}}, "no_held_out"),
        ({"classes": {"stain": {"train": 5, "val": 2}, "dent": {}}}, "one_class"),
        ({"classes": {"stain": {"train": 5, "val": 2}, "dent": {"train": 3}}}, "classes_not_held_out"),
        ({"pending": 3}, "pending_predictions"),
        ({"layers": {"colour": 16, "normal": 9}}, "layers_missing"),
        ({"labelled": 7}, "empty_items"),
        ({"boxes": [("stain", 0.02, 0.02)] * 20}, "tiny_objects"),
        ({}, "small_images"),
        ({}, "few_held_out"),
    ],
)
def test_what_will_not_work_well_is_said(summary, change, code):
    assert code in codes(planned(summary.model_copy(update=change)))


def test_warnings_name_classes_by_their_titles(summary):
    schema = LabelSchema(
        task="instance",
        classes=[LabelClass(name="print_line", title="Print line"), LabelClass(name="stain")],
    )
    change = {"label_schema": schema, "classes": {"print_line": {}, "stain": {"train": 5, "val": 2}}}
    told = {one.code: one.text for one in planned(summary.model_copy(update=change)).warnings}
    assert "print_line" not in " ".join(told.values())
    change["classes"] = {"print_line": {"train": 5}, "stain": {"train": 5, "val": 2}}
    told = {one.code: one.text for one in planned(summary.model_copy(update=change)).warnings}
    assert told["classes_not_held_out"].startswith("No held-out item has Print line:")


def test_one_class_by_design_is_no_warning(tmp_path):
    only = LabelSchema(task="instance", classes=[LabelClass(name="stain")])
    folder = make(tmp_path / "set", 3, 1, schema=only)
    assert "one_class" not in codes(plan(summarise(folder.manifest), kind_of(only)))


def test_a_millimetre_metric_needs_a_scale(corners):
    summary = summarise(corners.manifest)
    assert planned(summary, metric="error_mm").spec.metric == "error_mm"
    with pytest.raises(InputError, match="scale"):
        planned(summary.model_copy(update={"px_per_mm": None}), metric="error_mm")


def test_anchors_meet_the_boxes_they_were_planned_from():
    boxes = [("scratch", 0.15, 0.02)] * 30 + [("scratch", 0.02, 0.12)] * 30 + [("card", 0.9, 0.9)]
    anchors = plan_anchors(boxes, 160, 224)
    assert anchors.coverage == 1.0
    assert list(anchors.sizes) == sorted(anchors.sizes)
    assert all(
        size >= 1.5 * stride - 0.1 for size, stride in zip(anchors.sizes, (4, 8, 16, 32, 64), strict=True)
    )
    # One card counts like sixty scratches: the coarsest level is made for it.
    assert anchors.sizes[-1] * 1.41 > 100
    assert plan_anchors([], 160, 224).coverage is None


@pytest.mark.parametrize(
    ("size", "side", "expected"),
    [
        ((325, 450), 224, (160, 224)),
        ((450, 325), 224, (224, 160)),
        ((315, 440), 440, (320, 448)),
        ((10, 400), 224, (64, 224)),
    ],
)
def test_the_training_size_keeps_the_shape_in_steps_of_32(size, side, expected):
    assert input_size(*size, side) == expected


def test_metrics_know_which_way_is_better():
    assert METRICS["error_px"].better(1.0, 2.0)
    assert not METRICS["mask_ap50"].better(0.4, 0.5)
    assert METRICS["error_px"].reached(0.9, 1.0)
    assert METRICS["pck"].reached(0.9, 0.9)
    with pytest.raises(InputError, match="mask_ap50"):
        metric("mask_ap_50")
    with pytest.raises(InputError, match="points"):
        metric("mask_ap", "points")


def test_a_spec_reads_what_it_wrote():
    spec = RunSpec(
        dataset=DatasetRef(name="a", kind="b", version=1, manifest_sha256="0" * 64),
        architecture="mask_rcnn_primary", channels=("colour",), model=MaskOptions(), steps=3,
        input_size=(64, 96), eval_every=1, checkpoint_every=1, metric="mask_ap50",
    )  # fmt: skip
    assert RunSpec.model_validate_json(spec.model_dump_json()) == spec
