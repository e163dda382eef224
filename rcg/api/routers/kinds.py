"""Kinds of datasets: those that ship and the user's own."""

from __future__ import annotations

from fastapi import APIRouter

router = APIRouter(tags=["kinds"])
