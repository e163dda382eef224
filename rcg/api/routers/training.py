"""Runs: plan, pre-flight, launch, control, look."""

from __future__ import annotations

from fastapi import APIRouter

router = APIRouter(tags=["training"])
