"""Grading standards as data: one TOML file per standard, checked when it is read."""
