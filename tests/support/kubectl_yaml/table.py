"""What kubectl makes of plain scalars: the committed table, and how it is made anew from kubectl's own packages."""

from __future__ import annotations

import json
import subprocess
from decimal import Decimal
from pathlib import Path

TABLE = Path(__file__).parents[2] / "data" / "kubectl" / "plain.json"
PROGRAM = Path(__file__).parent


def committed() -> dict[str, dict[str, object]]:
    """By text: ``value`` (numbers exact) and ``key``, or ``error``."""
    found: dict[str, dict[str, object]] = json.loads(TABLE.read_text(encoding="utf-8"), parse_float=Decimal)
    return found


def made_anew() -> dict[str, dict[str, object]]:
    """The same from ``go run``, which fetches the packages where they are not there yet."""
    texts = json.dumps(list(committed()))
    ran = subprocess.run(
        ["go", "run", "."], cwd=PROGRAM, input=texts, capture_output=True, text=True, check=False, timeout=240
    )
    assert not ran.returncode, ran.stderr
    found: dict[str, dict[str, object]] = json.loads(ran.stdout, parse_float=Decimal)
    return found
