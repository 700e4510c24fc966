"""``testmesh schema``: the JSON Schema of flow files, for editors."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from testmesh_engine.actions.registry import Registry
from testmesh_engine.errors import UsageError
from testmesh_engine.language.schema import schema_of


def print_schema(file: str | None) -> None:
    """Write the schema to ``file``, or to standard output. Raises ``UsageError`` where it can't be written."""
    text = json.dumps(schema_of(Registry()), ensure_ascii=False, indent=2) + "\n"
    if file is None or file == "-":
        sys.stdout.write(text)
        return
    try:
        Path(file).write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{file} can't be written: {error.strerror}") from error
