"""What a refused statement means: whose fault it is, and the sentence that says what the server said and where.

The decision is explained in ``engine/decisions/2026-11-22-sql-errors.md``.
"""

from __future__ import annotations

from enum import Enum

from testmesh_engine.actions.sql_parameters import Statement
from testmesh_engine.contract.record import dataclass
from testmesh_engine.errors import PlatformError, ServiceError, TestMeshError, UsageError

_EXCERPT_CHARS = 40
"""How much of the query's line is shown on each side of the place."""


class Fault(Enum):
    """Whose fault it is that a statement was refused."""

    FLOW = "the query can't be right on any server"
    SERVICE = "the data or the schema is not what the query says it is"
    PLATFORM = "the server can't do what it should"
    TIMEOUT = "the server has stopped the statement"
    ENDED = "the server has ended the connection"


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """What the server says of a statement that it refused.

    ``code`` is how messages show its number (``SQLSTATE 42601``); ``position`` counts characters of the statement from
    1, 0 for none. ``is_undecided``: it could not infer the type of a parameter, and nothing was executed.
    """

    code: str
    message: str
    fault: Fault = Fault.SERVICE
    detail: str = ""
    hint: str = ""
    position: int = 0
    is_undecided: bool = False


class Refused(Exception):
    """The server has refused a statement; the connection is still good."""

    def __init__(self, diagnosis: Diagnosis) -> None:
        super().__init__(diagnosis.message)
        self.diagnosis = diagnosis


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What was refused: ``what`` names it (``the query``, ``statement 2 of 3``), ``undone`` what became of the rest."""

    database: str
    what: str = "the query"
    statement: Statement = Statement(("",))
    undone: str = ""


def error_of(diagnosis: Diagnosis, asked: Asked) -> TestMeshError:
    """The engine's error for it."""
    said = f"{diagnosis.message} ({diagnosis.code})"
    if diagnosis.fault is Fault.ENDED:
        message = f"{asked.database} ended the connection: {said}"
        return PlatformError(message, kind="connection_error", hint=diagnosis.hint)
    if diagnosis.fault is Fault.TIMEOUT:
        return PlatformError(f"{asked.database} stopped {asked.what}: {said}", kind="timeout", hint=diagnosis.hint)
    detail = f". {diagnosis.detail}" if diagnosis.detail else ""
    where = _place(diagnosis, asked.statement)
    message = f"the database refused {asked.what}: {said}{where}{detail}{asked.undone}"
    match diagnosis.fault:
        case Fault.FLOW:
            return UsageError(message, hint=diagnosis.hint)
        case Fault.PLATFORM:
            return PlatformError(message, kind="query_error", hint=diagnosis.hint)
        case _:
            return ServiceError(message, kind="query_error", hint=diagnosis.hint)


def _place(diagnosis: Diagnosis, statement: Statement) -> str:
    """Where in the author's query it is; numbers may have changed within the statement, the lines have not."""
    return (
        excerpt(statement.lead + statement.text, len(statement.lead) + diagnosis.position) if diagnosis.position else ""
    )


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


def one_line(text: str) -> str:
    """``text`` with each run of white space as one space: messages are one line."""
    return " ".join(text.split())
