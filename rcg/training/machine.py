"""What a training takes of the machine: processor, memory, graphics card; at most once a second."""

from __future__ import annotations

import contextlib
import time
from typing import Any, Final

import psutil

EVERY_S: Final = 2.0


class Machine:
    """Reads gauges. What a driver does not tell is left out."""

    def __init__(self) -> None:
        self._process = psutil.Process()
        self._read = 0.0
        psutil.cpu_percent()
        self._process.cpu_percent()
        self._cards = _cards()

    def due(self) -> bool:
        """Whether it is time to look again."""
        return time.monotonic() - self._read >= EVERY_S

    def look(self) -> dict[str, Any]:
        """Return ``cpu`` %, ``process_cpu`` % (100: one core), memory in MB, and ``gpu``, the cards."""
        self._read = time.monotonic()
        memory = psutil.virtual_memory()
        return {
            "cpu": psutil.cpu_percent(),
            "process_cpu": self._process.cpu_percent(),
            "ram_mb": round((memory.total - memory.available) / 1e6),
            "ram_total_mb": round(memory.total / 1e6),
            "process_mb": round(self._process.memory_info().rss / 1e6),
            "gpu": [_card(handle) for handle in self._cards],
        }


def _cards() -> list[Any]:
    try:
        import pynvml  # noqa: PLC0415 - only where there is a driver

        pynvml.nvmlInit()
        return [pynvml.nvmlDeviceGetHandleByIndex(index) for index in range(pynvml.nvmlDeviceGetCount())]
    except Exception:  # noqa: BLE001 - no driver, no gauge
        return []


def _card(handle: Any) -> dict[str, Any]:
    import pynvml  # noqa: PLC0415

    found: dict[str, Any] = {}
    with contextlib.suppress(pynvml.NVMLError):
        found["name"] = str(pynvml.nvmlDeviceGetName(handle))
    with contextlib.suppress(pynvml.NVMLError):
        found["load"] = pynvml.nvmlDeviceGetUtilizationRates(handle).gpu
    with contextlib.suppress(pynvml.NVMLError):
        memory = pynvml.nvmlDeviceGetMemoryInfo(handle)
        found |= {"memory_mb": round(memory.used / 1e6), "memory_total_mb": round(memory.total / 1e6)}
    with contextlib.suppress(pynvml.NVMLError):
        found["temperature"] = pynvml.nvmlDeviceGetTemperature(handle, pynvml.NVML_TEMPERATURE_GPU)
    return found
