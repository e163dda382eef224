"""Pictures that look alike, by their perceptual hashes: one photograph saved again, scaled, or re-packed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

NEAR_BITS = 3
"""hashes that differ in no more bits are of pictures that look alike"""
_BANDS, _BAND_BITS = 4, 16
_MOST = 200
"""of one band's value: a thousand blank pictures are not compared with each other"""


def alike(hashes: Iterable[tuple[str, str, str]]) -> Iterator[tuple[str, str]]:
    """Yield pairs of ids whose pictures look alike although they are of different cards.

    Two 64-bit hashes that differ in at most three bits are equal in one of four 16-bit bands, so that only
    those are compared.

    Args:
        hashes: ``(id, card, hash)``, the hash as 16 hex digits.
    """
    bands: list[dict[int, list[tuple[str, str, int]]]] = [{} for _ in range(_BANDS)]
    for item_id, card, text in hashes:
        value = int(text, 16)
        near: dict[str, None] = {}
        for band, found in enumerate(bands):
            key = (value >> (band * _BAND_BITS)) & ((1 << _BAND_BITS) - 1)
            bucket = found.setdefault(key, [])
            for other_id, other_card, other in bucket:
                if other_card != card and (value ^ other).bit_count() <= NEAR_BITS:
                    near[other_id] = None
            if len(bucket) < _MOST:
                bucket.append((item_id, card, value))
        for other_id in near:
            yield other_id, item_id
