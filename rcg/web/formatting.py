"""How figures, times and names are written: sensible digits, a thin space before units, `-` where unknown."""

from __future__ import annotations

import math
from datetime import UTC, datetime

from markupsafe import Markup, escape

from rcg.store.db import now_ms

THIN = "\u2009"
MINUS = "\u2212"
NONE = "-"


def number(value: float | None, digits: int = 2, *, sign: bool = False) -> str:
    """A figure with fixed digits and a true minus; `-` when there is none."""
    if value is None or not math.isfinite(value):
        return NONE
    text = f"{abs(value):.{digits}f}"
    negative = value < 0 and float(text) != 0
    return (MINUS if negative else "+" if sign and float(text) != 0 else "") + text


def unit(value: float | None, symbol: str, digits: int = 2, *, sign: bool = False) -> str:
    """A figure with its unit, thin space between; `-` without a unit when there is none."""
    text = number(value, digits, sign=sign)
    return text if text == NONE else f"{text}{THIN}{symbol}"


def pair(values: tuple[float, float] | None, digits: int = 1) -> str:
    """Border shares: `51.2 / 48.8`."""
    if values is None:
        return NONE
    first = round(values[0], digits)
    return f"{number(first, digits)} / {number(100 - first, digits)}"


def size(count: int | None) -> str:
    """Bytes for people, in powers of ten."""
    if count is None:
        return NONE
    value = float(count)
    for symbol in ("B", "kB", "MB", "GB"):
        if value < 1000:
            return (
                f"{value:.0f}{THIN}{symbol}"
                if symbol == "B" or value >= 100
                else f"{value:.1f}{THIN}{symbol}"
            )
        value /= 1000
    return f"{value:.1f}{THIN}TB"


def seconds(value: float | None) -> str:
    """A duration: `0.4 s`, `12 s`, `3 min 20 s`, `2 h 5 min`."""
    if value is None:
        return NONE
    if value < 10:
        return f"{value:.1f}{THIN}s"
    whole = round(value)
    if whole < 60:
        return f"{whole}{THIN}s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes}{THIN}min" + (f" {rest}{THIN}s" if rest else "")
    hours, minutes = divmod(minutes, 60)
    return f"{hours}{THIN}h" + (f" {minutes}{THIN}min" if minutes else "")


def time_left(progress: float, started_at: int | None, now: int | None = None) -> str:
    """What is left of a running job as a range; empty while there is too little to tell from."""
    if started_at is None or not 0.05 <= progress < 1:
        return ""
    elapsed = ((now_ms() if now is None else now) - started_at) / 1000
    left = elapsed * (1 - progress) / progress
    low, high = 0.7 * left, 1.4 * left
    if high < 2:
        return "a moment left"
    if high < 90:
        return f"{max(1, round(low))} to {round(high)}{THIN}s left"
    return f"{max(1, round(low / 60))} to {math.ceil(high / 60)}{THIN}min left"


def when(milliseconds: int | None) -> Markup:
    """A `<time>` in UTC that the browser rewrites into the reader's own time and words."""
    if milliseconds is None:
        return escape(NONE)
    stamp = datetime.fromtimestamp(milliseconds / 1000, UTC)
    return Markup('<time datetime="{}" data-ms="{}">{}</time>').format(
        stamp.isoformat(timespec="seconds"), milliseconds, escape(stamp.strftime("%-d %b %Y, %H:%M UTC"))
    )


def age(day: str | None) -> str:
    """How long ago a day `2026-11-26` was: `today`, `12 days ago`, `7 months ago`; empty where not known."""
    if not day:
        return ""
    passed = (datetime.now(UTC).date() - datetime.strptime(day, "%Y-%m-%d").replace(tzinfo=UTC).date()).days
    if passed <= 0:
        return "today"
    if passed == 1:
        return "yesterday"
    return f"{passed} days ago" if passed < 60 else f"{round(passed / 30.44)} months ago"


def old(day: str | None, days: int = 180) -> bool:
    """Whether a day lies further back than a calibration should."""
    if not day:
        return False
    return (
        datetime.now(UTC).date() - datetime.strptime(day, "%Y-%m-%d").replace(tzinfo=UTC).date()
    ).days > days


def words(identifier: str) -> str:
    """`corner_wear` as `corner wear`."""
    return identifier.replace("_", " ")


def sentence(identifier: str) -> str:
    """`corner_wear` as `Corner wear`."""
    text = words(identifier)
    return text[:1].upper() + text[1:]
