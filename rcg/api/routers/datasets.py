"""Datasets, their items, imports, exports and versions."""

from __future__ import annotations

from fastapi import APIRouter

router = APIRouter(tags=["datasets"])
