"""Files of ``NAME=value`` lines: ``env_file`` of a flow, ``--env-file``, and ``.env`` beside a flow."""

from __future__ import annotations

import re

from testmesh_engine.errors import UsageError
from testmesh_engine.language.files import Files
from testmesh_engine.language.findings import Findings
from testmesh_engine.language.model import EnvFile
from testmesh_engine.language.nodes import ListNode, Node

_LINE = re.compile(r"\s*(?:export\s+)?(?P<name>[A-Za-z_][A-Za-z0-9_]*)\s*=(?P<value>.*)")
_QUOTED = re.compile(r"""\s*(?P<quote>["'])(?P<value>.*?)(?P=quote)(?:\s*|\s+\#.*)""")
_COMMENT = re.compile(r"\s+#")


def parse_env_file(text: str, *, name: str) -> dict[str, str]:
    """The variables of a ``.env`` file: ``NAME=value`` lines, ``#`` comments, optional quotes and ``export``.

    Raises ``UsageError`` naming the first line that is none.
    """
    found: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        match = _LINE.fullmatch(line)
        if match is None:
            raise UsageError(f"{name}:{number}: no NAME=value line")
        value = _unquoted(match["value"])
        if value is None:
            raise UsageError(f"{name}:{number}: the quote of {match['name']} is never closed")
        found[match["name"]] = value
    return found


def read_env_files(findings: Findings, node: Node, files: Files) -> tuple[EnvFile, ...]:
    """The files of ``env_file``, one path or a list; one that can't be read, or has a line that is none, is noted."""
    items = node.items if isinstance(node, ListNode) else (node,)
    if not items:
        findings.error(node, "env_file is empty", hint="Remove it, or name a file.")
    return tuple(file for item in items if (file := _read(findings, item, files)))


def _read(findings: Findings, node: Node, files: Files) -> EnvFile | None:
    name = constant_text(findings, node, "env_file")
    if name is None:
        return None
    try:
        return EnvFile(name=name, values=parse_env_file(files.read(name), name=name))
    except UsageError as error:
        findings.error(node, error.message, hint=error.hint)
        return None


def constant_text(findings: Findings, node: Node, what: str) -> str | None:
    """Text that is needed before any variable is known, and so has no placeholder."""
    text = findings.text(node, what)
    if text is None:
        return None
    if "${" in text or "{{" in text:
        findings.error(node, f"{what} is read before any variable is known", hint="Write the name itself.")
        return None
    if not text.strip():
        findings.error(node, f"{what} is empty")
        return None
    return text


def _unquoted(value: str) -> str | None:
    """What stands in the quotes, or before a comment; ``None`` for a quote that is not closed."""
    quoted = _QUOTED.fullmatch(value)
    if quoted is not None:
        return quoted["value"]
    plain = _COMMENT.split(value, maxsplit=1)[0].strip()
    return None if plain.startswith(("'", '"')) else plain
