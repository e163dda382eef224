"""Writes the pins of requirements-dev.lock into pyproject.toml, between two marker lines (scripts/lock)."""

import json
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BEGIN = "# pins: begin (written by scripts/lock)"
END = "# pins: end"


def pins(lock: str) -> list[str]:
    """The requirements of a lock file, with their markers, without their hashes."""
    lines = re.findall(r"^([A-Za-z0-9][^\s\\]*==[^\\\n]*?)\s*\\?$", lock, re.MULTILINE)
    return [re.sub(r"\s+", " ", line).strip() for line in lines]


def with_pins(pyproject: str, found: list[str]) -> str:
    """The text of pyproject.toml with these pins between its marker lines."""
    before, _, rest = pyproject.partition(BEGIN)
    _, _, after = rest.partition(END)
    if not after:
        raise SystemExit(f"pyproject.toml lacks the lines {BEGIN!r} and {END!r}")
    entries = "".join(f"  {json.dumps(pin)},\n" for pin in found)
    return f"{before}{BEGIN}\nconstraint-dependencies = [\n{entries}]\n{END}{after}"


if __name__ == "__main__":
    target = ROOT / "pyproject.toml"
    found = pins((ROOT / "requirements-dev.lock").read_text("utf-8"))
    target.write_text(with_pins(target.read_text("utf-8"), found), "utf-8")
