"""GPUs as their driver reports them. A computer without one is normal."""

from __future__ import annotations

import pynvml

from rcg.api import schemas


def gpus() -> tuple[list[schemas.GpuOut], str | None]:
    """Return the GPUs; when there is none, a sentence why."""
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError as error:
        return [], f"No NVIDIA GPU is usable here ({error})."
    try:
        found = [_gpu(index) for index in range(pynvml.nvmlDeviceGetCount())]
    except pynvml.NVMLError as error:
        return [], f"The GPU's driver does not answer ({error})."
    finally:
        pynvml.nvmlShutdown()
    return found, None if found else "The driver is there, but no GPU."


def _gpu(index: int) -> schemas.GpuOut:
    handle = pynvml.nvmlDeviceGetHandleByIndex(index)
    name = pynvml.nvmlDeviceGetName(handle)
    memory = pynvml.nvmlDeviceGetMemoryInfo(handle)
    return schemas.GpuOut(
        index=index,
        name=name.decode() if isinstance(name, bytes) else name,
        memory_used_bytes=int(memory.used),
        memory_total_bytes=int(memory.total),
        percent=_busy(handle),
        temperature_c=_temperature(handle),
    )


def _busy(handle: object) -> float | None:
    try:
        return float(pynvml.nvmlDeviceGetUtilizationRates(handle).gpu)
    except pynvml.NVMLError:  # some devices, and parts of a divided one, do not tell
        return None


def _temperature(handle: object) -> float | None:
    try:
        return float(pynvml.nvmlDeviceGetTemperature(handle, pynvml.NVML_TEMPERATURE_GPU))
    except pynvml.NVMLError:
        return None
