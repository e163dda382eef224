"""A dataset's items as lines of a manifest, put together from what the rows hold: nothing is parsed, so that
a hundred thousand items take seconds and the memory of five hundred.

A test holds each line to be the canonical form of its :class:`rcg.datasets.manifest.ItemRecord`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from rcg.store.dataset_models import AnnotationRow
from rcg.store.repositories.items import Filter, stream
from rcg.store.repositories.items import Record as Row


@dataclass(frozen=True)
class Record:
    """An item as a line.

    Attributes:
        line: canonical JSON, without its end.
        class_names: of its annotations, in order.
        layer_names: of its layers, in order.
    """

    line: bytes
    class_names: Sequence[str]
    layer_names: Sequence[str]


def records(
    session: Session,
    dataset_id: str,
    where: Filter | None = None,
    of_card: Mapping[str, str] | None = None,
    *,
    accepted: bool = True,
) -> Iterator[Record]:
    """Yield items, sorted by id.

    Args:
        session: to read from.
        dataset_id: whose items.
        where: which of them; None: all.
        of_card: the part of the split by card; an item whose card is not there is in ``train``.
        accepted: leave annotations out that wait for a person.
    """
    parts = of_card or {}
    for rows, layers in stream(session, dataset_id, where):
        annotations = _annotations(session, [row.id for row in rows], accepted)
        for row in rows:
            shapes = annotations.get(row.id, [])
            split = parts.get(row.card_key) or row.split or "train"
            yield Record(
                _line(row, layers[row.id], [body for _, body in shapes], split),
                [name for name, _ in shapes],
                [layer.name for layer in layers[row.id]],
            )


def _annotations(
    session: Session, item_ids: Sequence[str], accepted: bool
) -> dict[str, list[tuple[str, str]]]:
    query = select(AnnotationRow.item_id, AnnotationRow.class_name, AnnotationRow.body).where(
        AnnotationRow.item_id.in_(item_ids)
    )
    if accepted:
        query = query.where(AnnotationRow.state == "accepted")
    found: dict[str, list[tuple[str, str]]] = {}
    ordered = query.order_by(AnnotationRow.item_id, AnnotationRow.position, AnnotationRow.id)
    for item_id, name, body in session.execute(ordered):
        found.setdefault(item_id, []).append((name, body))
    return found


def _line(row: Row, layers: Sequence[Row], bodies: Sequence[str], split: str) -> bytes:
    rest: dict[str, Any] = {
        "card": row.card_key,
        "height": row.height_px,
        "id": row.id,
        "labelled": row.label_state == "labelled",
        "layers": [
            {
                "media_type": layer.media_type,
                "name": layer.name,
                "role": layer.role,
                "sha256": layer.blob_sha256,
            }
            for layer in layers
        ],
        "lights": {name: [float(value) for value in xyz] for name, xyz in (row.lights or {}).items()},
        "margin_mm": float(row.margin_mm),
        "name": row.name,
        "px_per_mm": None if row.px_per_mm is None else float(row.px_per_mm),
        "side": row.side,
        "split": split,
        "width": row.width_px,
    }
    # "annotations" sorts before every other key, so the bodies go in front as they are.
    tail = json.dumps(rest, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return ('{"annotations":[' + ",".join(bodies) + "]," + tail[1:]).encode()
