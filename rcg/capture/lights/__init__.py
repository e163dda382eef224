"""The lights of a rig, driven from this computer: one interface, five ways, every light acknowledged.

Library code: no web, no queue, no database.
"""

from rcg.capture.lights.driver import ALL, Ack, Light, LightDriver, LightError, LightInfo, ring_names

__all__ = ["ALL", "Ack", "Light", "LightDriver", "LightError", "LightInfo", "ring_names"]
