"""Why photographs do not calibrate a rig."""

from __future__ import annotations

from typing import ClassVar

from rcg.errors import InputError


class CalibrationError(InputError):
    """The photographs do not show what was to be measured; ``data.reason`` names it in one word."""

    code: ClassVar[str] = "not_calibrated"

    def __init__(self, reason: str, detail: str, hint: str, **data: object) -> None:
        super().__init__(detail, hint, reason=reason, **data)
