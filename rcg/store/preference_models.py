"""What the owner told RCG of this home, by key: the measured bar of the printed mat."""

from __future__ import annotations

from typing import Any

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from rcg.store.base import Base
from rcg.store.db import now_ms


class Preference(Base):
    """One thing that was told. Settings of the server are not here: those are in its settings file."""

    __tablename__ = "preferences"
    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    value: Mapped[dict[str, Any]]
    updated_at: Mapped[int] = mapped_column(default=now_ms)
