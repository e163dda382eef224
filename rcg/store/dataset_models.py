"""The tables of the workshop's data: datasets, items with layers, annotations, versions, recipes, kinds.

Bodies that only travel (annotations, schemas, recipes) are stored as the JSON text that the library's own
models
write, so that an export copies them without reading them. Coordinates are pixels of the item's base grid.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from rcg.store.base import Base, new_id
from rcg.store.db import now_ms


class Dataset(Base):
    """What a model is taught from: a kind, a label schema, items."""

    __tablename__ = "datasets"
    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    name: Mapped[str] = mapped_column(unique=True)
    kind: Mapped[str] = mapped_column(index=True)
    description: Mapped[str] = mapped_column(default="")
    label_schema: Mapped[dict[str, Any]] = mapped_column(
        doc="LabelSchema as JSON: the kind's, then the user's"
    )
    recipe_id: Mapped[str | None] = mapped_column(String(32), doc="default augmentation for new versions")
    created_at: Mapped[int] = mapped_column(default=now_ms, index=True)
    updated_at: Mapped[int] = mapped_column(default=now_ms)


class DatasetItem(Base):
    """One card side or image with its layers; every layer lies on the same pixel grid."""

    __tablename__ = "dataset_items"
    __table_args__ = (
        UniqueConstraint("dataset_id", "name"),
        Index("ix_dataset_items_dataset_position", "dataset_id", "position"),
        Index("ix_dataset_items_dataset_id_order", "dataset_id", "id"),
        Index("ix_dataset_items_dataset_states", "dataset_id", "label_state", "state"),
    )
    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    dataset_id: Mapped[str] = mapped_column(ForeignKey("datasets.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(doc="file name, with / for sub-folders; unique in the dataset")
    position: Mapped[int] = mapped_column(doc="order in the grid and the annotator")
    width_px: Mapped[int]
    height_px: Mapped[int]
    px_per_mm: Mapped[float | None]
    margin_mm: Mapped[float] = mapped_column(default=0.0)
    card_key: Mapped[str] = mapped_column(
        doc="what splits keep together: the card's id, else derived from the name"
    )
    card_id: Mapped[str | None] = mapped_column(String(32), index=True)
    split: Mapped[str | None] = mapped_column(
        String(5),
        doc="train, val or test, where an import or a person said so; None: the version's seed decides",
    )
    side: Mapped[str | None] = mapped_column(String(5))
    source: Mapped[str] = mapped_column(String(10), doc="upload, capture, import or render")
    origin: Mapped[str | None] = mapped_column(
        String(64), doc="hash of what it was measured from and how; the same is not measured twice"
    )
    lights: Mapped[dict[str, Any] | None] = mapped_column(
        doc="light name -> [x, y, z] unit vector, x right, y up"
    )
    state: Mapped[str] = mapped_column(String(10), default="pending", doc="pending, ready or broken")
    problem: Mapped[str] = mapped_column(default="", doc="why it is broken, or what to know (small, ...)")
    label_state: Mapped[str] = mapped_column(
        String(10), default="unlabelled", doc="unlabelled, predicted or labelled; labelled may hold no shape"
    )
    revision: Mapped[int] = mapped_column(default=0, doc="raised by every change of its annotations")
    phash: Mapped[str | None] = mapped_column(String(16), doc="64-bit perceptual hash, hex")
    thumbnail_sha256: Mapped[str | None] = mapped_column(String(64))
    created_at: Mapped[int] = mapped_column(default=now_ms)
    layers: Mapped[list[ItemLayer]] = relationship(
        cascade="all, delete-orphan", order_by="ItemLayer.position", passive_deletes=True
    )


class ItemLayer(Base):
    """One layer of an item: the data that training reads and the picture that people see."""

    __tablename__ = "item_layers"
    __table_args__ = (UniqueConstraint("item_id", "name"),)
    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    item_id: Mapped[str] = mapped_column(ForeignKey("dataset_items.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(
        doc="colour, albedo, normal, height, curvature, specular, light:<name>, ..."
    )
    role: Mapped[str] = mapped_column(String(12), doc="the law it obeys: see rcg.datasets.layers")
    position: Mapped[int]
    blob_sha256: Mapped[str] = mapped_column(ForeignKey("blobs.sha256"), index=True, doc="the data")
    media_type: Mapped[str] = mapped_column(
        doc="an image type, or application/x-npy (float16/float32, no pickle)"
    )
    picture_sha256: Mapped[str | None] = mapped_column(
        String(64), doc="WebP or the image itself; None: not made yet"
    )


class AnnotationRow(Base):
    """One annotation of an item; ``body`` is :class:`rcg.datasets.schema.Annotation` as JSON text."""

    __tablename__ = "annotations"
    __table_args__ = (Index("ix_annotations_item_position", "item_id", "position"),)
    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    item_id: Mapped[str] = mapped_column(ForeignKey("dataset_items.id", ondelete="CASCADE"))
    dataset_id: Mapped[str] = mapped_column(ForeignKey("datasets.id", ondelete="CASCADE"))
    class_name: Mapped[str]
    state: Mapped[str] = mapped_column(String(10), default="accepted", doc="accepted or predicted")
    position: Mapped[int]
    body: Mapped[str] = mapped_column(Text)


Index(
    "ix_annotations_dataset_class", AnnotationRow.dataset_id, AnnotationRow.class_name, AnnotationRow.item_id
)


class AnnotationOp(Base):
    """One step of editing an item, with its inverse: undo and redo survive a reload and a kill."""

    __tablename__ = "annotation_ops"
    __table_args__ = (UniqueConstraint("item_id", "seq"), UniqueConstraint("item_id", "op_id"))
    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    item_id: Mapped[str] = mapped_column(ForeignKey("dataset_items.id", ondelete="CASCADE"))
    seq: Mapped[int]
    op_id: Mapped[str] = mapped_column(
        String(40), doc="made by the browser: the same one twice is applied once"
    )
    body: Mapped[str] = mapped_column(Text, doc="JSON: the op, and what undoes it")
    state: Mapped[str] = mapped_column(
        String(6), default="done", doc="done, undone, or past: neither to be undone nor redone any more"
    )
    created_at: Mapped[int] = mapped_column(default=now_ms)


class DatasetVersion(Base):
    """An immutable snapshot: its content is the manifest, a blob whose hash is the version's hash."""

    __tablename__ = "dataset_versions"
    __table_args__ = (UniqueConstraint("dataset_id", "number"),)
    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    dataset_id: Mapped[str | None] = mapped_column(
        ForeignKey("datasets.id", ondelete="SET NULL"), doc="None: the dataset was deleted, its versions stay"
    )
    dataset_name: Mapped[str]
    kind: Mapped[str]
    number: Mapped[int]
    note: Mapped[str] = mapped_column(default="")
    manifest_sha256: Mapped[str] = mapped_column(ForeignKey("blobs.sha256"))
    content_sha256: Mapped[str] = mapped_column(
        String(64), doc="of what a version means, without its number and note: equal content is one version"
    )
    summary: Mapped[dict[str, Any]] = mapped_column(
        doc="items, annotations, classes {name: n}, splits {train: {items, cards, annotations}, ...}, layers"
    )
    split: Mapped[dict[str, Any]] = mapped_column(doc="seed and shares it was made with")
    recipe: Mapped[dict[str, Any] | None] = mapped_column(doc="augmentation recipe, as it was then")
    created_at: Mapped[int] = mapped_column(default=now_ms, index=True)


class Recipe(Base):
    """An augmentation pipeline as data."""

    __tablename__ = "recipes"
    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    name: Mapped[str] = mapped_column(unique=True)
    body: Mapped[dict[str, Any]]
    created_at: Mapped[int] = mapped_column(default=now_ms)
    updated_at: Mapped[int] = mapped_column(default=now_ms)


class KindRow(Base):
    """A kind of the user's own; those that ship are files."""

    __tablename__ = "kinds"
    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    body: Mapped[dict[str, Any]]
    created_at: Mapped[int] = mapped_column(default=now_ms)
