"""Figures that are measured, never asserted: ``rcg bench``. Where there is a peer, both run in the same run."""
