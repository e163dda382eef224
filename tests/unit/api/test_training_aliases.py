"""The names of older scripts, said in the plan's words; and what is refused."""

import pytest

from rcg.api.training_aliases import translate
from rcg.api.training_schemas import StartIn
from rcg.errors import InputError


def test_a_script_of_the_owners_is_understood():
    body = {
        "dataset_id": "d1", "model_type": "photometric_fusion", "epochs": 12, "batch_size": 8,
        "learning_rate": 0.001, "target_accuracy": 95, "patience": 4, "image_size": 224,
    }  # fmt: skip
    assert translate(body) == {
        "dataset": "d1", "architecture": "photometric_fusion", "epochs": 12,
        "set": {"batch_size": 8, "optimiser.lr": 0.001, "stop.target.value": 0.95, "stop.patience": 4,
                "input_size": [224, 224]},
    }  # fmt: skip


def test_a_model_type_may_be_the_kind_of_the_dataset():
    assert translate({"dataset": "d", "model_type": "corner_detection"})["kind"] == "corner_detection"


def test_nested_options_and_the_plans_own_names_are_taken():
    body = {"dataset": "d", "config": {"lr": 0.01, "hyperparameters": {"steps": 7}}, "set": {"seed": 3},
            "model.backbone": "tiny"}  # fmt: skip
    assert StartIn.model_validate(body).set == {
        "seed": 3, "optimiser.lr": 0.01, "steps": 7, "model.backbone": "tiny",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("body", "named", "hint"),
    [
        ({"dataset": "d", "bach_size": 4}, "bach_size", "batch_size"),
        ({"dataset": "d", "config": {"learningrate": 1}}, "learningrate", "learning_rate"),
        ({"dataset": "d", "xyzzy": 4}, "xyzzy", "plan"),
    ],
)
def test_what_is_unknown_is_named_with_what_is_near(body, named, hint):
    with pytest.raises(InputError) as caught:
        StartIn.model_validate(body)
    assert named in caught.value.detail
    assert hint in caught.value.hint


def test_a_thing_said_twice_is_refused_unless_it_is_the_same():
    assert translate({"dataset": "d", "dataset_id": "d"})["dataset"] == "d"
    with pytest.raises(InputError, match="lr"):
        translate({"dataset": "d", "lr": 0.1, "learning_rate": 0.2})
    with pytest.raises(InputError, match="dataset_id"):
        translate({"dataset": "d", "dataset_id": "e"})


@pytest.mark.parametrize(("said", "meant"), [(0.9, 0.9), (1, 1), (99.5, 0.995), (100, 1.0)])
def test_a_target_in_percent_is_a_share(said, meant):
    assert translate({"dataset": "d", "target_accuracy": said})["set"] == {"stop.target.value": meant}
