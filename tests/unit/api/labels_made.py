"""A dataset of two items, made by hand, and annotations for it."""

import uuid

from rcg.datasets.schema import Attribute, LabelClass, LabelSchema, PointDef
from rcg.store.dataset_models import Dataset, DatasetItem

SCHEMA = LabelSchema(
    task="instance",
    classes=[LabelClass(name="dent"), LabelClass(name="scratch", colour=3)],
    points=[PointDef(name="tip"), PointDef(name="tail")],
    attributes=[
        Attribute(name="severity", type="choice", choices=["minor", "severe"]),
        Attribute(name="depth_um", type="number"),
        Attribute(name="sure", type="flag"),
    ],
)


def add_dataset(db, *, items=2, name="Dents", schema=SCHEMA):
    """Return the ids of a dataset and of its items, 200 x 100 px each."""
    with db.write() as session:
        dataset = Dataset(name=name, kind="surface_damage", label_schema=schema.model_dump(mode="json"))
        session.add(dataset)
        session.flush()
        rows = [
            DatasetItem(
                dataset_id=dataset.id, name=f"{number}.png", position=number, width_px=200, height_px=100,
                px_per_mm=None, card_key=f"card-{number}", source="upload", state="ready",
            )
            for number in range(items)
        ]  # fmt: skip
        session.add_all(rows)
        session.flush()
        return dataset.id, [row.id for row in rows]


def box(x=10.0, y=20.0, width=30.5, height=40.25, **more):
    """An annotation as JSON, with an id of its own."""
    shape = {"type": "box", "x": x, "y": y, "width": width, "height": height}
    return {"id": uuid.uuid4().hex, "label": "dent", "shape": shape, **more}


def op(kind, **values):
    return {"op_id": uuid.uuid4().hex, "kind": kind, **values}
