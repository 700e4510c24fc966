"""What a refused statement means: whose fault it is, and the sentence that says what the server said and where.

The decision is explained in ``engine/decisions/2026-11-22-sql-errors.md``.
"""

from __future__ import annotations

from dataclasses import dataclass

from testmesh_engine.errors import PlatformError, ServiceError, TestMeshError, UsageError

_SYNTAX_ERROR = "42601"
_QUERY_CANCELED = "57014"
_PLATFORM_CLASSES = frozenset({"53", "57", "58", "F0", "XX"})
"""Insufficient resources, operator intervention, system error, configuration, internal error."""

_UNDECIDED = frozenset({"42P18", "42P08", "42725", "42804"})
"""Indeterminate datatype, ambiguous parameter, ambiguous function, datatype mismatch."""

_EXCERPT_CHARS = 40
"""How much of the query's line is shown on each side of the place."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """What the server says of a statement that it refused; ``position`` counts characters from 1, 0 for none.

    https://www.postgresql.org/docs/current/protocol-error-fields.html
    """

    sqlstate: str
    message: str
    severity: str = "ERROR"
    detail: str = ""
    hint: str = ""
    context: str = ""
    position: int = 0

    @property
    def is_fatal(self) -> bool:
        """Whether the server has ended the connection with it."""
        return self.severity in ("FATAL", "PANIC")

    @property
    def is_undecided(self) -> bool:
        """Whether the server could not infer the type of a parameter; found before anything was executed."""
        return self.sqlstate in _UNDECIDED


class Refused(Exception):
    """The server has refused a statement; the connection is still good."""

    def __init__(self, diagnosis: Diagnosis) -> None:
        super().__init__(diagnosis.message)
        self.diagnosis = diagnosis


def error_of(diagnosis: Diagnosis, query: str, *, database: str) -> TestMeshError:
    """The engine's error for it; ``query`` is the text that was sent, ``database`` names the server for a person."""
    said = f"{diagnosis.message} (SQLSTATE {diagnosis.sqlstate or 'unknown'})"
    if diagnosis.is_fatal:
        return PlatformError(f"{database} ended the connection: {said}", kind="connection_error", hint=diagnosis.hint)
    where = excerpt(query, diagnosis.position)
    detail = f". {diagnosis.detail}" if diagnosis.detail else ""
    message = f"the database refused the query: {said}{where}{detail}"
    if diagnosis.sqlstate == _QUERY_CANCELED:
        return PlatformError(f"{database} stopped the query: {said}", kind="timeout", hint=diagnosis.hint)
    if diagnosis.sqlstate[:2] in _PLATFORM_CLASSES:
        return PlatformError(message, kind="query_error", hint=diagnosis.hint)
    if diagnosis.sqlstate == _SYNTAX_ERROR and not diagnosis.context:
        # Where the query has no such place, the server found more than one statement in it.
        one = "" if diagnosis.position else "A query is one statement: write a step for each."
        return UsageError(message, hint=diagnosis.hint or one)
    return ServiceError(message, kind="query_error", hint=diagnosis.hint)


def excerpt(query: str, position: int) -> str:
    """`` at line 2, column 8: SELECT >>>emial FROM users``, "" for position 0: one line, for a message of one line."""
    if not 1 <= position <= len(query) + 1:
        return ""
    before, after = query[: position - 1], query[position - 1 :]
    line, column = before.count("\n") + 1, position - (before.rfind("\n") + 1)
    left = before.rpartition("\n")[2].lstrip()
    right = after.partition("\n")[0].rstrip()
    start = f"…{left[-_EXCERPT_CHARS:]}" if len(left) > _EXCERPT_CHARS else left
    end = f"{right[:_EXCERPT_CHARS]}…" if len(right) > _EXCERPT_CHARS else right
    return f" at line {line}, column {column}: {start}>>>{end}"
