"""Photometric stereo for flat cards: frames under known lights in, maps of the surface out.

Library code: arrays and dataclasses, no web, queue or database imports. Coordinates everywhere are the
card's own (millimetres, x right, y up, z to the camera, origin at the card's centre) unless a name ends in
``_px``.
"""
