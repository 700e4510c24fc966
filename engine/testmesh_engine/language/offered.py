"""What is said of a line that is offered to paste, and would be wrong as well."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from testmesh_engine.contract.problem import Problem, Severity
from testmesh_engine.language.quoting import value_of

_OFFER = ":  "
"""What stands between the words of a hint and the line that it offers."""


def still_wrong(told: Problem, found: Iterable[Problem]) -> Problem:
    """``told`` of a line that YAML could not read, given what was ``found`` in it, read as it is offered.

    Quotes alone do not make an expression: where nothing else is in the line, it is not offered then.
    """
    error = next((each for each in found if each.line == told.line and each.severity is Severity.ERROR), None)
    if error is None or _OFFER not in told.hint:
        return told
    joined = ". " if error.hint[:1].isupper() else "; " if error.hint else ""
    what = f"{error.message}{joined}{error.hint}".partition("\n")[0]
    alone = told.hint.startswith("Quote") and value_of(told.excerpt).value[:1] not in {"[", "{"}
    if alone:
        return replace(told, hint=f"In quotes it would still be wrong: {what}")
    return replace(told, hint=f"{told.hint}\nThat would still be wrong: {what}")
