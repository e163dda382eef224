"""Figures that are measured, never asserted: ``rcg bench``. A figure and its peer come from the same run."""
