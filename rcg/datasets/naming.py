"""What an image's name tells: which card it shows, and which side of it."""

from __future__ import annotations

import re
from typing import Literal

SideName = Literal["front", "back"]

_SEPARATORS = re.compile(r"[\s_\-.()]+")
_SIDES: dict[str, SideName] = {
    "front": "front", "obverse": "front", "recto": "front",
    "back": "back", "reverse": "back", "rear": "back", "verso": "back",
}  # fmt: skip
_SHELVES = frozenset({"images", "image", "train", "training", "val", "valid", "validation", "test", "data"})
"""folders that sort images and say nothing of the card"""
_AUGMENTED = re.compile(r"\.rf\.[0-9a-f]{16,}$", re.IGNORECASE)
"""what Roboflow adds to every copy of one picture"""


def card_of(name: str) -> tuple[str, SideName | None]:
    """Return the key of the card that an image's name tells, and its side, None where it tells none.

    Images with one key are kept together by every split: both sides of a card, copies of a picture.

    >>> card_of("set1/charizard_front.jpg")
    ('set1/charizard', 'front')
    >>> card_of("images/train/0007-back.png")
    ('0007', 'back')
    """
    *folders, last = name.lower().replace("\\", "/").split("/")
    stem = last.rsplit(".", 1)[0] if "." in last.lstrip(".") else last
    stem = _AUGMENTED.sub("", stem)
    side: SideName | None = None
    words = []
    for word in _SEPARATORS.split(stem):
        if word in _SIDES:
            side = _SIDES[word]
        elif word:
            words.append(word)
    kept = []
    for folder in folders:
        if folder in _SIDES:
            side = side or _SIDES[folder]
        elif folder and folder not in _SHELVES:
            kept.append(folder)
    return "/".join([*kept, "_".join(words)]).strip("/") or name.lower(), side
