"""Recipes: validated with words, checked against labels, drawn from a seed, kept to the roles they name."""

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rcg.datasets import geometry
from rcg.datasets.augment import (
    OPS,
    Recipe,
    apply,
    apply_noted,
    check,
    defaults,
    layers_needed,
    parse,
    problems,
)
from rcg.datasets.kinds import shipped
from rcg.datasets.sample import LayerArray, Sample
from rcg.datasets.schema import (
    Annotation,
    Box,
    KeyPoint,
    Kind,
    LabelClass,
    LabelSchema,
    Part,
    PointDef,
    Points,
    Polygon,
    Quad,
)
from rcg.errors import InputError

SCHEMA = LabelSchema(task="instance", classes=[LabelClass(name="dent"), LabelClass(name="card")])
SIZE = (64, 48)


def sample(seed=0, lights=True):
    rng = np.random.default_rng(seed)
    height, width = SIZE[1], SIZE[0]
    normal = rng.normal(0, 0.1, (height, width, 3)) + np.array([0, 0, 1])
    normal = (normal / np.linalg.norm(normal, axis=-1, keepdims=True)).astype(np.float16)
    layers = {
        "colour": LayerArray("colour", rng.integers(0, 256, (height, width, 3), np.uint8)),
        "normal": LayerArray("normal", normal),
        "height": LayerArray("height", rng.normal(0, 20, (height, width)).astype(np.float16)),
        "curvature": LayerArray("curvature", rng.normal(0, 0.2, (height, width)).astype(np.float32)),
        "confidence": LayerArray("confidence", rng.uniform(0, 1, (height, width)).astype(np.float16)),
        "mask": LayerArray("mask", rng.integers(0, 3, (height, width), np.uint8)),
    }
    if lights:
        layers |= {
            f"light:{n}": LayerArray("light", rng.integers(0, 256, (height, width, 3), np.uint8))
            for n in range(1, 9)
        }
    annotations = (
        Annotation(
            id="1" * 32,
            label="dent",
            shape=Polygon(parts=[Part(outer=[(20, 14), (34, 16), (30, 30), (18, 26)])]),
        ),
        Annotation(id="2" * 32, label="dent", shape=Box(x=40, y=20, width=10, height=8)),
        Annotation(id="3" * 32, label="card", shape=Quad(corners=((4, 3), (60, 4), (59, 44), (5, 45)))),
    )
    return Sample(layers, annotations, px_per_mm=4.0, key="item")


def same(a, b):
    assert list(a.layers) == list(b.layers)
    for name, layer in a.layers.items():
        np.testing.assert_array_equal(layer.array, b.layers[name].array, err_msg=name)
    assert a.annotations == b.annotations


EVERYTHING = parse({"name": "all", "steps": [{"op": name} for name in OPS]})

steps = st.lists(
    st.one_of(
        [
            st.fixed_dictionaries(
                {"op": st.just(op.name), "p": st.floats(0, 1)},
                optional={
                    item.name: (
                        st.floats(item.minimum, item.maximum)
                        if item.type == "number"
                        else st.sampled_from(item.choices)
                        if item.choices
                        else st.booleans()
                    )
                    for item in op.parameters
                },
            )
            for op in OPS.values()
        ]
    ),
    max_size=8,
)


@given(steps, st.integers(0, 2**32))
@settings(max_examples=120, deadline=None)
def test_whatever_the_recipe_an_item_stays_an_item(made, seed):
    recipe = parse({"name": "any", "steps": made})
    before = sample()
    out = apply(recipe, before, np.random.default_rng(seed), SCHEMA)
    assert out.size == before.size
    assert list(out.layers) == list(before.layers)
    for name, layer in out.layers.items():
        old = before.layers[name]
        assert layer.role == old.role
        assert layer.array.shape == old.array.shape
        assert np.isfinite(layer.array).all()
        assert layer.array.dtype == old.array.dtype or layer.array.dtype == np.float32
        if layer.role == "normal":
            np.testing.assert_allclose(np.linalg.norm(layer.array.astype(float), axis=-1), 1, atol=2e-3)
            assert layer.array[..., 2].min() >= 0
        if layer.role == "mask":
            assert set(np.unique(layer.array)) <= {0, 1, 2}
        if layer.role == "confidence":
            assert layer.array.min() >= 0
            assert layer.array.max() <= 1
    for annotation in out.annotations:
        if not isinstance(annotation.shape, Quad):
            left, top, right, bottom = geometry.extent(annotation.shape)
            assert -1e-9 <= left < right <= SIZE[0] + 1e-9
            assert -1e-9 <= top < bottom <= SIZE[1] + 1e-9
    same(before, sample())  # the input is untouched
    same(out, apply(recipe, sample(), np.random.default_rng(seed), SCHEMA))
    assert Recipe.model_validate_json(recipe.model_dump_json()) == recipe


def test_another_seed_is_another_draw():
    a, b = (apply(EVERYTHING, sample(), np.random.default_rng(seed), SCHEMA) for seed in (1, 2))
    assert not np.array_equal(a.layers["colour"].array, b.layers["colour"].array)


def test_a_step_that_is_switched_off_leaves_the_draws_of_the_others_alone():
    body = {
        "name": "x",
        "steps": [{"op": "flip_horizontal"}, {"op": "affine", "rotate": 20}, {"op": "noise"}],
    }
    with_noise = parse(body)
    body["steps"][2]["on"] = False
    without = parse(body)
    for seed in range(6):
        a = apply(with_noise, sample(), np.random.default_rng(seed), SCHEMA)
        b = apply(without, sample(), np.random.default_rng(seed), SCHEMA)
        assert a.annotations == b.annotations
        np.testing.assert_array_equal(a.layers["height"].array, b.layers["height"].array)


def test_chance_is_kept():
    recipe = parse({"steps": [{"op": "flip_horizontal", "p": 0.3}]})
    rng = np.random.default_rng(5)
    happened = sum(bool(apply_noted(recipe, sample(lights=False), rng, SCHEMA).notes) for _ in range(600))
    assert 140 < happened < 220  # 180 expected, 11 its standard deviation


def test_a_chain_of_moves_resamples_once():
    """Two rotations that undo each other leave the pixels as they were: nothing was interpolated twice."""
    there = {"op": "affine", "rotate": 0, "scale": 0, "translate": 0}
    recipe = parse({"steps": [{"op": "flip_vertical", "p": 1}, there, {"op": "flip_vertical", "p": 1}]})
    same(sample(), apply(recipe, sample(), np.random.default_rng(0), SCHEMA))


def test_colour_touches_photographs_alone_and_all_alike():
    before = sample()
    grey = LayerArray("light", before.layers["colour"].array.copy())
    before = before.with_layers(before.layers | {"light:1": grey})
    steps_ = [
        {"op": "colour", "brightness": 60, "contrast": 40, "saturation": 50, "hue": 90},
        {"op": "gamma"},
    ]
    out = apply(parse({"steps": steps_}), before, np.random.default_rng(3), SCHEMA)
    for name in ("normal", "height", "curvature", "confidence", "mask"):
        assert out.layers[name].array is before.layers[name].array
    assert not np.array_equal(out.layers["colour"].array, before.layers["colour"].array)
    np.testing.assert_array_equal(out.layers["colour"].array, out.layers["light:1"].array)


def test_brightness_is_light_so_the_lights_keep_their_ratio():
    """Photometric stereo lives on ratios of linear light between the photographs of one card."""
    step = {"op": "colour", "brightness": 50, "contrast": 0, "saturation": 0, "hue": 0}
    srgb = lambda v: np.where(v <= 0.0031308, 12.92 * v, 1.055 * v ** (1 / 2.4) - 0.055)  # noqa: E731
    linear = lambda v: np.where(v <= 0.04045, v / 12.92, ((v + 0.055) / 1.055) ** 2.4)  # noqa: E731
    light = np.random.default_rng(0).uniform(0.02, 0.6, (8, 8, 3))
    layers = {f"light:{n}": LayerArray("light", srgb(light * n / 2)) for n in (1, 2)}
    for seed in range(5):
        out = apply(parse({"steps": [step]}), Sample(layers), np.random.default_rng(seed), SCHEMA)
        one, two = (linear(out.layers[f"light:{n}"].array) for n in (1, 2))
        gain = one / (light / 2)
        assert np.ptp(gain) < 1e-9
        assert 1 / 1.5 <= gain.mean() <= 1.5
        unsaturated = two < 0.999
        np.testing.assert_allclose((two / one)[unsaturated], 2, rtol=1e-9)


def test_hue_turns_colours_and_leaves_grey_grey():
    layers = {"colour": LayerArray("colour", np.full((4, 4, 3), 120, np.uint8))}
    step = {"op": "colour", "brightness": 0, "contrast": 0, "saturation": 100, "hue": 180}
    for seed in range(5):
        out = apply(parse({"steps": [step]}), Sample(layers), np.random.default_rng(seed), SCHEMA)
        assert np.abs(out.layers["colour"].array.astype(int) - 120).max() <= 1


def test_noise_has_the_strength_it_says_in_each_unit():
    size = (128, 128)
    flat = np.zeros((*size, 3), np.float32) + np.array([0, 0, 1], np.float32)
    layers = {
        "colour": LayerArray("colour", np.full((*size, 3), 128, np.uint8)),
        "normal": LayerArray("normal", flat),
        "height": LayerArray("height", np.zeros(size, np.float32)),
        "confidence": LayerArray("confidence", np.ones(size, np.float32)),
    }
    recipe = parse({"steps": [{"op": "noise", "photograph": 10, "normal": 2, "height": 6}]})
    for seed in range(4):
        out, notes = apply_noted(recipe, Sample(layers), np.random.default_rng(seed), SCHEMA)
        share = int(notes[0].removeprefix("noise at ").removesuffix(" %")) / 100
        spread = {name: layer.array.astype(float) for name, layer in out.layers.items()}
        assert spread["colour"].std() == pytest.approx(10 * share, rel=0.06, abs=0.1)
        assert spread["height"].std() == pytest.approx(6 * share, rel=0.06, abs=0.05)
        tilt = np.rad2deg(spread["normal"][..., 0]).std()
        assert tilt == pytest.approx(2 * share, rel=0.06, abs=0.02)
        assert out.layers["confidence"].array is layers["confidence"].array


def test_layers_are_left_out_by_group_and_never_all():
    recipe = parse({"steps": [{"op": "layer_dropout", "p": 1}]})
    seen = set()
    for seed in range(30):
        out, notes = apply_noted(recipe, sample(), np.random.default_rng(seed), SCHEMA)
        seen.add(notes[0])
        if notes[0] == "relief left out":
            assert (out.layers["normal"].array == [0, 0, 1]).all()
            assert not out.layers["confidence"].array.any()
            assert out.layers["colour"].array.any()
            assert out.layers["mask"].array.any()
    assert seen == {"photographs left out", "lights left out", "relief left out"}
    alone = Sample({"colour": sample().layers["colour"]})
    assert apply(recipe, alone, np.random.default_rng(0), SCHEMA) is alone


@pytest.mark.parametrize("keep", ["all", "one"])
def test_a_crop_keeps_what_it_promises(keep):
    recipe = parse({"steps": [{"op": "crop", "smallest": 10, "keep": keep}], "min_visible": 0})
    for seed in range(40):
        given = sample(lights=False)
        given = Sample(given.layers, given.annotations[:2])
        out = apply(recipe, given, np.random.default_rng(seed), SCHEMA)
        areas = {item.id: geometry.area(item.shape) for item in given.annotations}
        whole = 0
        for item in out.annotations:
            box = geometry.bounds(item.shape)
            before = geometry.bounds(next(g.shape for g in given.annotations if g.id == item.id))
            zoom = box.width / before.width
            whole += geometry.area(item.shape) == pytest.approx(areas[item.id] * zoom**2, rel=1e-6)
        assert whole >= (2 if keep == "all" else 1)


def test_a_crop_may_go_anywhere_when_free():
    recipe = parse({"steps": [{"op": "crop", "smallest": 10, "keep": "free"}]})
    counts = {
        len(apply(recipe, sample(), np.random.default_rng(seed), SCHEMA).annotations) for seed in range(40)
    }
    assert min(counts) < 3


# --- what labels can follow ---------------------------------------------------------------------


def points_schema(**relations):
    names = ("top_left", "top_right", "bottom_right", "bottom_left")
    tables = {
        "mirror": dict(zip(names, ("top_right", "top_left", "bottom_left", "bottom_right"), strict=True)),
        "flip": dict(zip(names, ("bottom_left", "bottom_right", "top_right", "top_left"), strict=True)),
        "turn": dict(zip(names, ("bottom_left", "top_left", "top_right", "bottom_right"), strict=True)),
    }
    return LabelSchema(
        task="points",
        classes=[LabelClass(name="card")],
        points=[
            PointDef(name=name, **{key: tables[key][name] for key, on in relations.items() if on})
            for name in names
        ],
    )


def refused(op, schema, **parameters):
    found = problems(parse({"steps": [{"op": op, **parameters}]}), schema)
    return found[0].reason if found else None


def test_a_turn_without_names_is_refused_with_the_reason():
    schema = points_schema(mirror=True, flip=True)
    assert refused("flip_horizontal", schema) is None
    assert refused("flip_vertical", schema) is None
    assert refused("quarter_turn", schema, turns="half") is None
    assert "'top_left'" in refused("quarter_turn", schema)
    assert refused("quarter_turn", points_schema(mirror=True, flip=True, turn=True)) is None
    with pytest.raises(
        InputError, match=r"Step 2 \(quarter_turn\): nothing says what the point 'top_left'"
    ) as caught:
        check(parse({"steps": [{"op": "noise"}, {"op": "quarter_turn"}]}), schema)
    assert "turn name" in caught.value.hint
    assert caught.value.data["problems"][0]["step"] == 1


def test_flips_without_names_are_refused_where_names_speak_of_sides():
    bare = points_schema()
    assert "'top_left'" in refused("flip_horizontal", bare)
    assert "'top_left'" in refused("flip_vertical", bare)
    check(parse({"steps": [{"op": "flip_horizontal", "on": False}, {"op": "flip_vertical", "p": 0}]}), bare)
    stars = LabelSchema(task="points", classes=[LabelClass(name="star")], points=[PointDef(name="centre")])
    assert refused("flip_horizontal", stars) is None
    assert refused("quarter_turn", stars) is None


def test_names_that_lead_nowhere_are_refused():
    def schema(**point):
        return LabelSchema(
            task="points", classes=[LabelClass(name="card")],
            points=[PointDef(name="a", **point), PointDef(name="b"), PointDef(name="c")],
        )  # fmt: skip

    assert "no such point" in refused("flip_horizontal", schema(mirror="z"))
    assert "would be called 'b'" in refused("flip_horizontal", schema(mirror="b"))
    circle = LabelSchema(
        task="points", classes=[LabelClass(name="card")],
        points=[PointDef(name=old, mirror=new) for old, new in ("ab", "bc", "ca")],
    )  # fmt: skip
    assert "would not have its name again" in refused("flip_horizontal", circle)
    wrong = points_schema(mirror=True, flip=True, turn=True)
    again = wrong.model_copy(
        update={"points": [point.model_copy(update={"turn": point.name}) for point in wrong.points]}
    )
    assert "both flips make it" in refused("quarter_turn", again)


def test_a_points_task_keeps_every_point_and_its_side():
    schema = points_schema(mirror=True, flip=True, turn=True)
    assert "every point must stay inside" in refused("crop", schema)
    assert refused("crop", schema, keep="all") is None
    assert "another side" in refused("affine", schema, rotate=60)
    assert refused("affine", schema, rotate=45) is None
    assert refused("affine", SCHEMA, rotate=180) is None


@pytest.mark.parametrize("kind", shipped().values(), ids=shipped())
def test_every_kind_that_ships_begins_with_a_recipe_it_can_follow(kind):
    recipe = defaults(kind)
    check(recipe, kind.label_schema)
    ops = [step.op for step in recipe.steps]
    assert ops
    damage = all(item.flaw for item in kind.label_schema.classes) and kind.label_schema.task == "instance"
    assert ("flip_horizontal" in ops) == damage


def test_a_kinds_own_recipe_goes_before_ours():
    kind = Kind(
        name="mine", title="Mine", description="", label_schema=points_schema(mirror=True), architectures=[],
        metric="pck", recipe={"steps": [{"op": "flip_horizontal"}, {"op": "quarter_turn"}]},
    )  # fmt: skip
    assert [step.op for step in defaults(kind).steps] == ["flip_horizontal"]


def test_whoever_wants_one_light_reads_all_when_cards_are_moved():
    there = ["colour", "normal", "light:1", "light:2", "light:3"]
    flips = parse({"steps": [{"op": "flip_horizontal"}]})
    assert layers_needed(flips, ["colour", "light:2"], there) == ["colour", "light:1", "light:2", "light:3"]
    assert layers_needed(flips, ["colour"], there) == ["colour"]
    assert layers_needed(parse({"steps": [{"op": "noise"}]}), ["light:2"], there) == ["light:2"]


# --- what is no recipe --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "said", "way"),
    [
        ({"steps": [{"op": "mixup"}]}, "step 1: there is no operation 'mixup'", "flip_horizontal"),
        ({"steps": [{"p": 0.5}]}, "step 1: it names no operation", "flip_horizontal"),
        ({"steps": [{"op": "noise"}, {"op": "affine", "rotate": 900}]}, "step 2, affine, rotate: 900", "ops"),
        ({"steps": [{"op": "affine", "p": float("nan")}]}, "step 1, affine, p: nan", "ops"),
        ({"steps": [{"op": "crop", "keep": "some"}]}, "step 1, crop, keep: 'some'", "ops"),
        ({"steps": [{"op": "blur", "radius": 3}]}, "no such parameter", "p, on, sigma, relief"),
        ({"steps": [{"op": "noise"}] * 41}, "steps", "ops"),
        ({"min_visible": 2}, "min_visible: 2", "ops"),
        ({"name": " "}, "name: ' '", "ops"),
        ({"recipe": []}, "recipe: there is no such parameter", "ops"),
    ],
)
def test_wrong_recipes_are_refused_with_the_place_and_the_way_out(body, said, way):
    with pytest.raises(InputError) as caught:
        parse(body)
    assert said in caught.value.detail
    assert way in caught.value.hint


def test_the_ops_describe_every_parameter():
    for op in OPS.values():
        assert op.title
        assert op.description
        assert op.roles
        for item in op.parameters:
            assert item.title
            assert item.description
            if item.type == "number":
                assert item.minimum <= item.default <= item.maximum
                assert item.step > 0
                assert item.unit
        assert parse({"steps": [{"op": op.name}]}).steps[0].p == op.p


def test_points_of_a_real_kind_survive_its_default_recipe():
    kind = shipped()["corner_detection"]
    corners = [("top_left", 8, 6), ("top_right", 56, 6), ("bottom_right", 56, 42), ("bottom_left", 8, 42)]
    points = Points(points=[KeyPoint(name=name, x=x, y=y) for name, x, y in corners])
    given = Sample(sample().layers, (Annotation(label="card", shape=points),))
    for seed in range(20):
        out = apply(defaults(kind), given, np.random.default_rng(seed), kind.label_schema)
        assert [point.visible for point in out.annotations[0].shape.points] == [2, 2, 2, 2]


def test_checking_recipes_needs_no_opencv():
    """The web process checks recipes; what draws pixels is loaded by whoever draws."""
    code = "import sys, rcg.datasets.augment as a; a.parse({}); sys.exit('cv2' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
