"""Annotations of an item, edited step by step."""

from __future__ import annotations

from fastapi import APIRouter

router = APIRouter(tags=["annotations"])
