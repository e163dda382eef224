"""Augmentation recipes and their preview."""

from __future__ import annotations

from fastapi import APIRouter

router = APIRouter(tags=["recipes"])
