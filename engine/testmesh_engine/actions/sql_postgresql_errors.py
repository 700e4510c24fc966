"""Whose fault it is that PostgreSQL refused a statement, by its SQLSTATE.

https://www.postgresql.org/docs/current/errcodes-appendix.html
"""

from __future__ import annotations

from testmesh_engine.actions.sql_errors import Fault

_SYNTAX_ERROR = "42601"
_QUERY_CANCELED = "57014"
_IN_TRANSACTION = "25001"
_PLATFORM_CLASSES = frozenset({"53", "57", "58", "F0", "XX"})
"""Insufficient resources, operator intervention, system error, configuration, internal error."""

UNDECIDED = frozenset({"42P18", "42P08", "42725", "42804"})
"""Indeterminate datatype, ambiguous parameter, ambiguous function, datatype mismatch."""


def fault_of(sqlstate: str, *, severity: str = "ERROR", context: str = "") -> Fault:
    """Whose fault it is; ``context`` is set where the statement that is wrong stands in a function of the server."""
    if severity in ("FATAL", "PANIC"):
        return Fault.ENDED
    if sqlstate == _QUERY_CANCELED:
        return Fault.TIMEOUT
    if sqlstate[:2] in _PLATFORM_CLASSES:
        return Fault.PLATFORM
    if sqlstate in (_SYNTAX_ERROR, _IN_TRANSACTION) and not context:
        return Fault.FLOW
    return Fault.SERVICE


def hint_of(sqlstate: str, said: str) -> str:
    """What to do about it: the server's own hint, but where the flow has a key for it."""
    if sqlstate == _IN_TRANSACTION:
        return "Write transaction: false in the step's config, or give this statement a step of its own."
    return said
