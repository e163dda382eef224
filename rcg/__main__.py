"""``python -m rcg``."""

from rcg.cli import main

main()
