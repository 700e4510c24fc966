"""The errors of the engine, and whose fault each one is.

::

    TestMeshError
    ├── UsageError        the author's or caller's: the flow, its variables, the arguments    exit 2
    │   └── FlowInvalid   every problem found in the files (contract/problem.py)
    ├── ActionError       an action could not do what its step asks
    │   ├── ServiceError  the service under test refused, timed out or answered nonsense      exit 1
    │   └── PlatformError database, broker, cache or engine failed                            exit 3
    ├── NothingRanError   a step that holds others ran none of them: it is skipped, and says why
    └── Interrupted       SIGINT, SIGTERM, or a deadline from outside                         exit 130

Foreign errors (httpx, psycopg, librdkafka) are mapped onto these once, in the action that met them.
"""

from __future__ import annotations

from typing import Literal

ErrorKind = Literal[
    "timeout",
    "connection_error",
    "assertion",
    "protocol_error",
    "query_error",
    "variable_error",
    "engine_error",
]
"""What ``error.kind`` of a failed step may be; ``retry_on`` names the first three.

``assertion`` is what the step itself says of its result: an assertion, or an output that finds nothing.
"""


class TestMeshError(Exception):
    """Root of the tree: ``str()`` is one sentence for a person, ``hint`` says what to do about it."""

    __test__ = False  # pytest would collect a class of this name

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(TestMeshError):
    """The flow, a variable or an argument is wrong; nothing was run, or the step was not started."""


class ActionError(TestMeshError):
    """An action could not do what its step asks; ``kind`` is what retries and reports go by."""

    def __init__(self, message: str, *, kind: ErrorKind, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.kind: ErrorKind = kind


class ServiceError(ActionError):
    """The service under test is to blame: the step has failed."""


class PlatformError(ActionError):
    """The database, the broker or the engine is to blame: the step has errored."""


class NothingRanError(TestMeshError):
    """A container ran none of its steps: it is skipped, with this reason."""


class Interrupted(TestMeshError):
    """The run was told to stop; teardown follows, within its time."""
