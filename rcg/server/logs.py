"""Where words go: all into ``logs/rcg.log``, which is rotated; warnings of RCG also to the terminal."""

from __future__ import annotations

import logging
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Literal

from rcg.errors import StartError

LogLevel = Literal["debug", "info", "warning", "error"]
FILE_NAME = "rcg.log"
MAX_BYTES = 5_000_000
KEPT = 5
_QUIET = ("httpx", "httpcore", "multipart", "PIL", "numba", "asyncio")
"""libraries whose chatter below a warning is of no use here"""


def set_up(folder: Path, level: LogLevel = "info", *, quiet: bool = False) -> Path:
    """Start logging and return the log file.

    Args:
        folder: made when missing.
        level: of the file; with ``debug`` requests are logged, too, and the terminal shows everything.
        quiet: nothing goes to the terminal, which belongs to a command's own words.

    Raises:
        StartError: when the file cannot be written.
    """
    file = folder / FILE_NAME
    try:
        folder.mkdir(parents=True, exist_ok=True)
        to_file = RotatingFileHandler(file, maxBytes=MAX_BYTES, backupCount=KEPT, encoding="utf-8")
    except OSError as error:
        raise StartError(
            f"The log file {file} cannot be written: {error.strerror or error}.",
            "Make its folder writable for this user, or set log_dir (RCG_LOG_DIR) to another one.",
        ) from error
    to_file.setFormatter(logging.Formatter("%(asctime)s %(levelname)-7s %(name)s: %(message)s"))
    terminal = logging.StreamHandler()
    terminal.setFormatter(logging.Formatter("rcg: %(message)s"))
    terminal.addFilter(_for_terminal if level != "debug" else lambda _record: True)
    handlers: list[logging.Handler] = [to_file] if quiet else [to_file, terminal]
    logging.basicConfig(level=level.upper(), handlers=handlers, force=True)
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    return file


def _for_terminal(record: logging.LogRecord) -> bool:
    # Tracebacks stay in the file: what a person must know is printed as a sentence.
    return record.levelno >= logging.WARNING and record.name.startswith("rcg") and not record.exc_info
