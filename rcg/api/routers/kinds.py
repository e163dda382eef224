"""Kinds of dataset."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path

from rcg.api.deps import ContainerDep
from rcg.api.services.datasets import kinds
from rcg.datasets.schema import Kind

router = APIRouter(tags=["kinds"])
Name = Annotated[str, Path(min_length=1, max_length=64, description="name or alias of a kind")]


@router.get("/kinds")
def list_kinds(container: ContainerDep) -> list[Kind]:
    """Every kind: those that ship, then the user's own."""
    return kinds.listing(container)


@router.get("/kinds/{name}")
def get_kind(name: Name, container: ContainerDep) -> Kind:
    """One kind."""
    return kinds.get(container, name)


@router.post("/kinds", status_code=201)
def create_kind(body: Kind, container: ContainerDep) -> Kind:
    """Define a kind of one's own."""
    return kinds.create(container, body)


@router.put("/kinds/{name}")
def replace_kind(name: Name, body: Kind, container: ContainerDep) -> Kind:
    """Change a kind of one's own. Datasets that are there keep their label schemas."""
    return kinds.replace(container, name, body)


@router.delete("/kinds/{name}", status_code=204)
def delete_kind(name: Name, container: ContainerDep) -> None:
    """Forget a kind of one's own that no dataset is of."""
    kinds.delete(container, name)
