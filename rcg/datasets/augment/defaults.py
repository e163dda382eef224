"""The recipe a kind begins with."""

from __future__ import annotations

from rcg.datasets.augment.check import problems
from rcg.datasets.augment.ops import Affine, Blur, Colour, FlipHorizontal, FlipVertical, Gamma, Noise, Step
from rcg.datasets.augment.recipe import Recipe, parse
from rcg.datasets.schema import Kind


def defaults(kind: Kind) -> Recipe:
    """Return the recipe that fits a kind: its own where it names one.

    Else flips where every class is a flaw, because damage has no handedness; where the print or the card
    itself is taught they are left out, for a mirrored card cannot be. Then small moves and the camera's own
    variety. What the labels cannot follow is left out.
    """
    name = f"{kind.title}: default"
    if kind.recipe is not None:
        recipe = parse({"name": name} | kind.recipe)
    else:
        damage = kind.label_schema.task == "instance" and all(item.flaw for item in kind.label_schema.classes)
        flips: list[Step] = [FlipHorizontal(), FlipVertical()] if damage else []
        turned = Affine(p=0.5, rotate=5, scale=5, translate=3)
        camera: list[Step] = [Colour(p=0.5), Gamma(p=0.3, amount=10), Noise(p=0.5), Blur(p=0.2)]
        recipe = Recipe(name=name, steps=[*flips, turned, *camera])
    refused = {problem.step for problem in problems(recipe, kind.label_schema)}
    return recipe.model_copy(
        update={"steps": [step for index, step in enumerate(recipe.steps) if index not in refused]}
    )


def layers_needed(recipe: Recipe, wanted: list[str], there: list[str]) -> list[str]:
    """Return the layers to read so that ``wanted`` come out right, in the order of ``there``.

    A flip exchanges the photographs of lights: whoever wants one of them must give all.
    """
    moves = any(step.moves for step in recipe.active)
    lights = moves and any(name.startswith("light:") for name in wanted)
    return [name for name in there if name in wanted or (lights and name.startswith("light:"))]
