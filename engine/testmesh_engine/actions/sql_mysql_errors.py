"""Whose fault it is that MySQL or MariaDB refused a statement, by its error number.

https://mariadb.com/kb/en/mariadb-error-code-reference/ https://dev.mysql.com/doc/mysql-errors/8.4/en/
"""

from __future__ import annotations

from testmesh_engine.actions.sql_errors import Diagnosis, Fault, one_line

LOST = frozenset({0, 2006, 2013, 2014, 2027, 2055})
"""The driver's own numbers for a connection that is gone, or says what no server says."""

_ENDED = frozenset({1053, 1077, 1079, 1152, 1158, 1159, 1160, 1161, 1184, 1927})
"""Shutting down, aborted, killed."""

_TIMEOUT = frozenset({1317, 1969, 3024})
"""Interrupted, max_statement_time, max_execution_time."""

_PLATFORM = frozenset({1021, 1030, 1037, 1038, 1040, 1041, 1114, 1135, 1180, 1203, 1226, 1836})
"""Disk, memory, connections, a storage engine that fails."""

_FLOW = frozenset({1064, 1065, 1149, 1568})
"""Syntax; a change of the isolation in the midst of a transaction."""


def diagnosis_of(number: int, message: str) -> Diagnosis:
    """What the server says."""
    return Diagnosis(code=f"error {number}", message=one_line(message), fault=_fault(number))


def _fault(number: int) -> Fault:
    for fault, numbers in ((Fault.FLOW, _FLOW), (Fault.TIMEOUT, _TIMEOUT), (Fault.ENDED, _ENDED)):
        if number in numbers:
            return fault
    return Fault.PLATFORM if number in _PLATFORM else Fault.SERVICE
