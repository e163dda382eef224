import numpy as np
import pytest
import torch
from small_set import FLAWS, HEIGHT, WIDTH, draw, make, spec_of

from rcg.datasets.manifest import Manifest
from rcg.datasets.sample import LayerArray, Sample
from rcg.datasets.schema import Annotation, KeyPoint, Points
from rcg.errors import InputError
from rcg.training.data import Batch, Prefetcher, TrainingData
from rcg.training.model_config import Channel
from rcg.training.tensors import fit, image_of, mask_box, mask_targets, planes, point_targets

UNIT = tuple(Channel(name=name, mean=0.0, std=1.0) for name in ("r", "g", "b", "x", "y"))


def data_of(folder, **options):
    return TrainingData(spec_of(folder, **options), Manifest(folder.manifest), folder.path_of)


def test_an_item_of_nearly_the_same_shape_is_stretched_and_others_are_padded():
    near = fit((325, 450), (160, 224))
    assert (near.width, near.height) == (160, 224)
    wide = fit((400, 200), (160, 224))
    assert (wide.width, wide.height) == (160, 80)
    assert wide.scale_x == pytest.approx(wide.scale_y) == pytest.approx(0.4)


def test_planes_hold_colours_as_shares_and_normals_without_z():
    sample = draw(0)
    raw, there = planes(sample, ["colour", "normal"])
    assert raw.shape == (5, HEIGHT, WIDTH)
    np.testing.assert_allclose(raw[0], sample.layers["colour"].array[..., 0] / 255, atol=1e-6)
    np.testing.assert_allclose(raw[3], sample.layers["normal"].array[..., 0], atol=1e-6)
    assert there.tolist() == [True] * 5


def test_a_channel_that_is_not_there_is_its_mean_and_the_rest_is_padded_with_it():
    sample = Sample({"normal": draw(0).layers["normal"]})
    channels = tuple(Channel(name=name, mean=0.4, std=0.5) for name in ("r", "g", "b", "x", "y"))
    image = image_of(sample, ["colour", "normal"], channels, (96, 128))
    assert image.shape == (5, 128, 96)
    assert (image[:3] == 0).all()
    assert image[3, 0, 0] == pytest.approx(-0.8)
    assert (image[:, HEIGHT:] == 0).all()
    assert (image[:, :, WIDTH:] == 0).all()


def test_values_that_are_no_numbers_are_named_with_the_way_out():
    bad = draw(0).layers["normal"].array.copy()
    bad[3, 3] = np.nan
    sample = Sample({"normal": LayerArray("normal", bad)}, key="card-7")
    with pytest.raises(InputError, match=r"normal.*card-7.*no numbers") as caught:
        planes(sample, ["normal"])
    assert caught.value.hint


def test_targets_are_the_pixels_of_the_shapes():
    sample = draw(3)
    target = mask_targets(sample.annotations, FLAWS, (WIDTH, HEIGHT))
    assert target["labels"].tolist() == [1, 2]
    for annotation, mask, box in zip(sample.annotations, target["masks"], target["boxes"], strict=True):
        (x0, y0), _, (x1, y1), _ = annotation.shape.parts[0].outer
        assert box.tolist() == [x0, y0, x1, y1]
        assert int(mask.sum()) == (x1 - x0) * (y1 - y0)


def test_crowds_other_classes_and_what_covers_nothing_teach_nothing():
    sample = draw(3)
    crowd, other = sample.annotations
    changed = [crowd.model_copy(update={"crowd": True}), other.model_copy(update={"label": "tear"})]
    target = mask_targets(changed, FLAWS, (WIDTH, HEIGHT))
    assert target["boxes"].shape == (0, 4)
    assert target["masks"].shape == (0, HEIGHT, WIDTH)
    assert mask_box(np.zeros((4, 5), bool)) is None


def test_points_that_are_not_there_are_not_taught():
    from small_set import CARD

    shape = Points(
        points=[KeyPoint(name="top_left", x=3, y=4), KeyPoint(name="top_right", x=9, y=9, visible=0)]
    )
    target = point_targets([Annotation(label="card", shape=shape)], CARD)
    assert target["known"].tolist() == [1, 0, 0, 0]
    assert target["xy"][0].tolist() == [3, 4]


def test_batches_are_functions_of_the_step_alone(flaws):
    one, other = data_of(flaws, seed=3), data_of(flaws, seed=3)
    other.batch(9)
    for step in (4, 0):
        a, b = one.batch(step), other.batch(step)
        assert all(torch.equal(x, y) for x, y in zip(a.images, b.images, strict=True))
        assert all(torch.equal(x["masks"], y["masks"]) for x, y in zip(a.targets, b.targets, strict=True))
    assert not torch.equal(one.batch(0).images[0], data_of(flaws, seed=4).batch(0).images[0])


def test_a_flip_negates_the_normals_and_moves_the_masks(flaws):
    recipe = {"steps": [{"op": "flip_horizontal", "p": 1.0}]}
    plain, flipped = data_of(flaws, recipe=None), data_of(flaws, recipe=recipe)
    plain.channels = flipped.channels = UNIT
    a, b = plain.batch(0), flipped.batch(0)
    np.testing.assert_allclose(b.images[0][:3], a.images[0][:3].flip(2), atol=1e-6)
    np.testing.assert_allclose(b.images[0][3], -a.images[0][3].flip(1), atol=1e-3)
    assert torch.equal(b.targets[0]["masks"], a.targets[0]["masks"].flip(2))


def test_channels_are_normalised_by_the_training_items(flaws):
    data = data_of(flaws, recipe=None)
    stack = torch.stack([data.image(data.train[index]) for index in range(len(data.train))])
    assert stack.mean((0, 2, 3)).abs().max() < 1e-3
    assert torch.allclose(stack[:, :4].std((0, 2, 3)), torch.ones(4), atol=1e-2)
    # What never changes, as the y of these normals, is not blown up.
    assert (stack[:, 4] == 0).all()


def test_relief_is_left_out_as_often_as_asked(flaws):
    data = data_of(flaws, modality_dropout=0.5, recipe=None)
    dark = [bool((image[3:] == 0).all()) for step in range(60) for image in data.batch(step).images]
    assert 0.35 < np.mean(dark) < 0.65
    assert not any(bool((image[:3] == 0).all()) for image in data.batch(0).images)


def test_shuffled_labels_are_those_of_another_item(flaws):
    plain, shuffled = data_of(flaws), data_of(flaws, shuffle_labels=True)
    own = [[a.id for a in record.annotations] for record in plain.train.records]
    given = [[a.id for a in record.annotations] for record in shuffled.train.records]
    assert sorted(own) == sorted(given)
    assert all(a != b for a, b in zip(own, given, strict=True))
    assert plain.val.records == shuffled.val.records


def test_predictions_that_nobody_accepted_are_not_taught(tmp_path):
    def predicted(sample, index):
        first, *rest = sample.annotations
        return Sample(
            sample.layers,
            (first.model_copy(update={"state": "predicted", "score": 0.9}), *rest),
            key=sample.key,
        )

    data = data_of(make(tmp_path / "set", 3, 1, change=predicted))
    assert [[a.label for a in record.annotations] for record in data.train.records] == [["dent"]] * 3


def test_a_missing_file_is_named(tmp_path):
    folder = make(tmp_path / "set", 3, 1)
    data = data_of(folder)
    record = data.train.records[0]
    folder.path_of(record.layers[0].sha256).unlink()
    with pytest.raises(InputError, match=rf"{record.name} is missing") as caught:
        [data.train[index] for index in range(3)]
    assert caught.value.hint


def test_items_are_kept_while_they_fit_and_read_again_otherwise(flaws):
    from rcg.training.data import Items

    whole = data_of(flaws).train
    assert whole[0] is whole[0]
    sparing = Items(whole.records, flaws.path_of, ["colour"], (WIDTH, HEIGHT), cache_bytes=WIDTH * HEIGHT * 3)
    assert sparing[1] is sparing[1]
    assert sparing[2] is not sparing[2]
    np.testing.assert_array_equal(sparing[2].layers["colour"].array, sparing[2].layers["colour"].array)


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda sample: Sample(sample.layers, (), key=sample.key), "annotation"),
        (
            lambda sample: Sample({"albedo": sample.layers["colour"]}, sample.annotations, key=sample.key),
            "layers",
        ),
    ],
)
def test_a_version_that_teaches_nothing_is_refused(tmp_path, flaws, spoil, words):
    spec = spec_of(flaws)
    folder = make(tmp_path / "set", 3, 1, change=lambda sample, index: spoil(sample))
    with pytest.raises(InputError, match=words) as caught:
        TrainingData(spec, Manifest(folder.manifest), folder.path_of)
    assert caught.value.hint


def test_batches_made_ahead_are_the_same(flaws):
    made = []

    def make_one(step):
        made.append(step)
        return Batch([torch.full((1,), float(step))], [])

    for workers in (0, 2):
        made.clear()
        ahead = Prefetcher(make_one, workers)
        got = [float(ahead.get(step, 5).images[0]) for step in (0, 1, 2, 3, 4)]
        again = float(ahead.get(1, 5).images[0])
        ahead.close()
        assert got == [0, 1, 2, 3, 4]
        assert again == 1
        assert max(made) == 4


def test_what_fails_ahead_is_raised_where_it_is_asked_for():
    def fail(step):
        raise InputError(f"step {step}")

    ahead = Prefetcher(fail, 1)
    with pytest.raises(InputError, match="step 0"):
        ahead.get(0, 4)
    ahead.close()
