"""RCG: a card-grading laboratory that one person runs at home."""

__version__ = "0.1.0"
