"""The layers of an item and the law each obeys when the item is moved.

Every layer of an item lies on one pixel grid. Its *role* says what its values are, and so what a flip or a
turn
must do to them besides moving pixels.
"""

from __future__ import annotations

from typing import Final, Literal

Role = Literal["colour", "albedo", "light", "normal", "height", "curvature", "specular", "confidence", "mask"]

ROLES: Final[tuple[Role, ...]] = (
    "colour", "albedo", "light", "normal", "height", "curvature", "specular", "confidence", "mask",
)  # fmt: skip
LIGHT_PREFIX: Final = "light:"
NPY: Final = "application/x-npy"
"""media type of layers that are measurements: .npy, float16 or float32, never pickled"""

CHANNELS: Final[dict[Role, int]] = {
    "colour": 3, "albedo": 3, "light": 3, "normal": 2, "height": 1, "curvature": 1, "specular": 1,
    "confidence": 1, "mask": 1,
}  # fmt: skip
"""how many channels a layer of a role gives a network; of a normal x and y (z follows from them)"""

PHOTOMETRIC: Final[frozenset[Role]] = frozenset({"normal", "height", "curvature", "specular", "confidence"})
"""what a single photograph does not have"""


def role_of(name: str) -> Role:
    """Return the role that a layer's name implies: ``"light:3"`` is a ``light``, ``"normal"`` a ``normal``.

    Anything unknown is ``colour``: a photograph.
    """
    if name.startswith(LIGHT_PREFIX):
        return "light"
    return next((role for role in ROLES if role == name), "colour")


def channel_names(layer: str) -> tuple[str, ...]:
    """Return what a network's input channels of one layer are called: ``normal`` gives ``normal.x,
    normal.y``."""
    role = role_of(layer)
    if role == "normal":
        return (f"{layer}.x", f"{layer}.y")
    if CHANNELS[role] == 3:
        return (f"{layer}.r", f"{layer}.g", f"{layer}.b")
    return (layer,)
