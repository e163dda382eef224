"""Pictures that look alike, by their perceptual hashes: one photograph saved again, scaled, or re-packed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

NEAR_BITS = 3
"""hashes that differ in no more bits are of pictures that look alike"""
_BANDS, _BAND_BITS = 4, 16
_MOST = 200
"""of one band's value: a thousand blank pictures are not compared with each other"""


@dataclass(slots=True)
class _Picture:
    id: str
    card: str
    value: int
    found: bool = False


def alike(hashes: Iterable[tuple[str, str, str]]) -> list[str]:
    """Return the ids of pictures that look like one of another card, in the order in which they were found.

    Two 64-bit hashes that differ in at most three bits are equal in one of four 16-bit bands, so that only
    those are compared. A picture that is known to look like another is compared with those only that are not.

    Args:
        hashes: ``(id, card, hash)``, the hash as 16 hex digits.
    """
    bands: list[dict[int, list[_Picture]]] = [{} for _ in range(_BANDS)]
    ids: list[str] = []
    for item_id, card, text in hashes:
        new = _Picture(item_id, card, int(text, 16))
        for band, known in enumerate(bands):
            key = (new.value >> (band * _BAND_BITS)) & ((1 << _BAND_BITS) - 1)
            bucket = known.setdefault(key, [])
            for other in bucket:
                if (new.found and other.found) or other.card == card:
                    continue
                if (new.value ^ other.value).bit_count() <= NEAR_BITS:
                    for one in (other, new):
                        if not one.found:
                            one.found = True
                            ids.append(one.id)
            if len(bucket) < _MOST:
                bucket.append(new)
    return ids
