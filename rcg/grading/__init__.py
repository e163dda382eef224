"""Grading: measurements on the maps, standards as data, the grade with its interval and its reasons.

Library code: no web, queue or database imports.
"""
