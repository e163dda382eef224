"""What a benchmark says: rows of figures with their targets, as a table for people and as JSON."""

from __future__ import annotations

import os
import platform
from dataclasses import asdict, dataclass, field
from typing import Any

import psutil

import rcg


@dataclass(frozen=True)
class Row:
    """One figure.

    Attributes:
        name: what was measured.
        value: the figure.
        unit: its unit.
        target: what DESIGN or an issue asks for, in words; empty without one.
        note: how to read it.
    """

    name: str
    value: float
    unit: str
    target: str = ""
    note: str = ""


@dataclass
class Table:
    """The figures of one benchmark and the machine they were measured on."""

    title: str
    rows: list[Row] = field(default_factory=list)

    def add(self, name: str, value: float, unit: str, target: str = "", note: str = "") -> None:
        """Add a figure."""
        self.rows.append(Row(name, value, unit, target, note))

    def as_json(self) -> dict[str, Any]:
        """Return the figures with the machine."""
        return {
            "title": self.title,
            "machine": machine(),
            "rcg": rcg.__version__,
            "rows": [asdict(row) for row in self.rows],
        }

    def as_markdown(self) -> str:
        """Return a table that can be pasted into docs/benchmarks.md."""
        lines = [
            f"## {self.title}",
            "",
            machine(),
            "",
            "| figure | measured | target | note |",
            "|---|---:|---|---|",
        ]
        lines += [
            f"| {row.name} | {_digits(row.value)} {row.unit} | {row.target} | {row.note} |"
            for row in self.rows
        ]
        return "\n".join(lines) + "\n"


def machine() -> str:
    """Describe this machine without naming it: processor, cores, memory, system, Python."""
    memory = psutil.virtual_memory().total / 2**30
    return (
        f"{_processor()}, {os.cpu_count()} cores, {memory:.0f} GiB, "
        f"{platform.system()} {platform.machine()}, Python {platform.python_version()}"
    )


def percentile(values: list[float], q: float) -> float:
    """Return the q-th percentile (0..100) by the nearest rank; NaN of nothing."""
    if not values:
        return float("nan")
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, round(q / 100 * len(ordered)) - 1))]


def _digits(value: float) -> str:
    if value != value:  # noqa: PLR0124  NaN is the one value that differs from itself
        return "-"
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:  # noqa: PTH123  not a file of ours
            for line in file:
                if line.startswith("model name"):
                    return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or "unknown processor"
