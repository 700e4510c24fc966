"""Opens a connection to PostgreSQL: tries its addresses, and makes values' text independent of the server."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from typing import TypeVar

import psycopg
from psycopg import pq
from psycopg.pq.abc import PGconn

from testmesh_engine.actions.lookup import look_up
from testmesh_engine.actions.sql_database import Bounds, LostError
from testmesh_engine.actions.sql_errors import Refused, one_line
from testmesh_engine.actions.sql_postgresql_target import Target
from testmesh_engine.actions.sql_postgresql_wire import Wire
from testmesh_engine.actions.waiting import READABLE, WRITABLE, Deadline, TimeRanOutError
from testmesh_engine.errors import PlatformError

SETTINGS = {
    "DateStyle": "ISO, YMD",
    "IntervalStyle": "iso_8601",
    "TimeZone": "UTC",
    "bytea_output": "hex",
    "extra_float_digits": "1",
    "standard_conforming_strings": "on",
}
"""What reading values and scanning queries stands on, whatever the server's, the role's or the URL's settings are."""

_SET = "SELECT " + ", ".join(f"set_config('{name}', '{value}', false)" for name, value in SETTINGS.items())
_LIBPQ_WORDS = re.compile(r"connection to server .*? failed: | Is the server running [^?]*\?")
"""What libpq adds to a reason that names the server already."""

_Candidate = TypeVar("_Candidate")


def open_wire(target: Target, bounds: Bounds) -> Wire:
    """A new connection. Raises ``PlatformError`` that names the database and the user, never the password."""
    try:
        wire = Wire(_first(list(target.servers()), bounds, lambda server, share: _reach(target, *server, share)))
        try:
            wire.execute(_SET, bounds=bounds)
        except Refused:
            wire.close()
            raise
    except TimeRanOutError as error:
        raise PlatformError(f"can't connect to {target} within {error}", kind="timeout") from error
    except (psycopg.Error, OSError, LostError, Refused) as error:
        reason = _LIBPQ_WORDS.sub("", one_line(str(error)))
        raise PlatformError(f"can't connect to {target}: {reason}", kind="connection_error") from error
    return wire


def _first(candidates: Sequence[_Candidate], bounds: Bounds, attempt: Callable[[_Candidate, Bounds], PGconn]) -> PGconn:
    """The connection to the first candidate that takes one; each has an even share of the time that is left."""
    failure: Exception = OSError("it has no address")
    for index, candidate in enumerate(candidates):
        seconds = bounds.deadline.remaining() / (len(candidates) - index)
        share = Deadline(min(bounds.deadline.at, time.monotonic() + seconds), bounds.deadline.what)
        try:
            return attempt(candidate, Bounds(share, bounds.interrupt))
        except (psycopg.Error, OSError, TimeRanOutError) as error:
            failure = error
    raise failure


def _reach(target: Target, host: str, port: str, bounds: Bounds) -> PGconn:
    if host.startswith(("/", "@")) or "hostaddr" in target.parameters:
        return _connect(target.conninfo(host, port, ""), bounds)
    addresses = look_up(host, deadline=bounds.deadline, interrupt=bounds.interrupt)
    return _first(addresses, bounds, lambda address, share: _connect(target.conninfo(host, port, address), share))


def _connect(conninfo: str, bounds: Bounds) -> PGconn:
    connection = pq.PGconn.connect_start(conninfo.encode())
    try:
        _poll(connection, bounds)
    except BaseException:
        connection.finish()
        raise
    connection.nonblocking = 1
    return connection


def _poll(connection: PGconn, bounds: Bounds) -> None:
    """https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-PQCONNECTSTARTPARAMS."""
    while connection.status != pq.ConnStatus.BAD:
        bounds.check()
        status = connection.connect_poll()
        if status == pq.PollingStatus.OK:
            return
        if status == pq.PollingStatus.FAILED:
            break
        bounds.wait(connection.socket, READABLE if status == pq.PollingStatus.READING else WRITABLE)
    raise psycopg.OperationalError(connection.get_error_message())
