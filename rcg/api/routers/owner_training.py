"""The training routes as the owner's scripts call them."""

from __future__ import annotations

from fastapi import APIRouter

router = APIRouter(tags=["training"])
