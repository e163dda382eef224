"""The tables of capture: rigs. Times are milliseconds since 1970 UTC."""

from __future__ import annotations

from typing import Any

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from rcg.store.base import Base, new_id
from rcg.store.db import now_ms


class Rig(Base):
    """Lights and how they are switched."""

    __tablename__ = "rigs"
    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    name: Mapped[str] = mapped_column(unique=True)
    driver: Mapped[str] = mapped_column(String(16), doc="manual, screen, wled, serial or sim")
    config: Mapped[dict[str, Any]] = mapped_column(doc="the driver's own settings")
    lights: Mapped[dict[str, Any]] = mapped_column(doc="where the lights are: ring, positions or named")
    settle_ms: Mapped[float | None] = mapped_column(
        doc="from the acknowledgement until a camera sees the light steadily; None: not measured"
    )
    calibration: Mapped[dict[str, Any] | None]
    is_default: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[int] = mapped_column(default=now_ms)
    updated_at: Mapped[int] = mapped_column(default=now_ms)
