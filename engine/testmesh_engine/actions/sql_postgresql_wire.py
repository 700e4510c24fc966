"""Statements over one connection to PostgreSQL, on libpq's non-blocking calls: each wait has its deadline.

A statement goes to the server as it is, ``$1`` and ``%`` untouched, and comes back as the server's text. This module
imports the driver; ``sql_drivers.py`` imports it when the first statement runs.
https://www.postgresql.org/docs/current/libpq-async.html
"""

from __future__ import annotations

import contextlib
import select
from collections.abc import Iterable, Iterator, Sequence

import psycopg
from psycopg import pq
from psycopg.pq.abc import PGconn, PGresult

from testmesh_engine.actions.sql_database import Bounds, Keeper, Limit, LostError
from testmesh_engine.actions.sql_errors import Diagnosis, Refused, one_line
from testmesh_engine.actions.sql_postgresql_answer import Answer, Cells
from testmesh_engine.actions.sql_postgresql_errors import UNDECIDED, fault_of, hint_of
from testmesh_engine.actions.sql_postgresql_values import Shape, is_known
from testmesh_engine.actions.waiting import READABLE, WRITABLE, Deadline, Interrupt, TimeRanOutError
from testmesh_engine.errors import UsageError

CANCEL_SECONDS = 1.0
"""How long asking the server to stop may take; one that does not answer is not waited for."""

_SHAPES = """
SELECT oid::int8, CASE WHEN typoutput = 'array_out'::regproc THEN typelem::int8 ELSE 0 END, typbasetype::int8, typdelim
FROM pg_catalog.pg_type WHERE oid = ANY ($1::oid[])
"""
_ALL = Limit(kept_rows=2**31)
_COPIES = frozenset({pq.ExecStatus.COPY_IN, pq.ExecStatus.COPY_OUT, pq.ExecStatus.COPY_BOTH})


class Wire:
    """A connection; ``sql_postgresql_connect.open_wire`` makes one.

    Statements raise ``Refused``, after which the connection is good; after anything else (``LostError``,
    ``TooMuchError``, ``UsageError``, ``TimeRanOutError``, ``Interrupted``) the server was asked to stop, and the
    connection is closed.
    """

    def __init__(self, connection: PGconn) -> None:
        self._pg = connection
        self._shapes: dict[int, Shape] = {}

    def close(self) -> None:
        """Close it, without waiting for the server; what is not committed is lost."""
        self._pg.finish()

    def is_usable(self) -> bool:
        """Whether it can take a statement: open, and the server has not gone while nothing was asked of it."""
        try:
            while self._is_open() and _has_input(self._pg.socket):
                self._pg.consume_input()
        except psycopg.Error:
            return False
        return self._is_open()

    def is_in_transaction(self) -> bool:
        """Whether a statement has opened a transaction and left it open."""
        return self._pg.transaction_status != pq.TransactionStatus.IDLE

    def execute(
        self,
        text: str,
        values: Sequence[bytes | None] = (),
        types: Sequence[int] | None = None,
        *,
        bounds: Bounds,
        limit: Limit = _ALL,
    ) -> Answer:
        """Run one statement, committed by itself; ``types`` are the parameters' own, else the server infers them."""
        bounds.check()
        answer = Answer(Keeper(limit))
        with self._closed_on_failure():
            self._pg.send_query_params(text.encode("utf-8", "replace"), values, types)
            self._pg.set_single_row_mode()
            for result in self._results(bounds):
                answer.take(result)
        return answer

    def parameter_types(self, text: str, *, bounds: Bounds) -> list[int]:
        """The types that the server infers for the parameters of a statement, which is not executed."""
        with self._closed_on_failure():
            self._pg.send_prepare(b"", text.encode("utf-8", "replace"))
            list(self._results(bounds))
            self._pg.send_describe_prepared(b"")
            [description] = self._results(bounds)
            return [description.param_type(at) for at in range(description.nparams)]

    def shapes(self, types: Iterable[int], *, bounds: Bounds) -> dict[int, Shape]:
        """What the server's catalogue says of ``types`` and their elements; each type is asked for once."""
        wanted = set(types)
        while unknown := {oid for oid in wanted if not is_known(oid) and oid not in self._shapes}:
            numbers = f"{{{','.join(map(str, unknown))}}}"
            found = dict(map(_shape, self.execute(_SHAPES, [numbers.encode()], bounds=bounds).rows))
            self._shapes |= dict.fromkeys(unknown, Shape()) | found
            wanted = {part for shape in found.values() for part in (shape.element, shape.base) if part}
        return self._shapes

    def _is_open(self) -> bool:
        return self._pg.status == pq.ConnStatus.OK

    def _results(self, bounds: Bounds) -> Iterator[PGresult]:
        """What the server answers to what was sent, to the end; then raises ``Refused`` if it was refused."""
        diagnosis: Diagnosis | None = None
        self._flush(bounds)
        while (result := self._next(bounds, diagnosis)) is not None:
            bounds.check()
            if result.status in _COPIES:
                raise UsageError("COPY between the database and its client is not possible in a query")
            if result.status == pq.ExecStatus.EMPTY_QUERY:
                raise UsageError("the query is empty: it holds no statement")
            if result.status in (pq.ExecStatus.FATAL_ERROR, pq.ExecStatus.BAD_RESPONSE):
                diagnosis = diagnosis or _diagnosis(result)
            else:
                yield result
        if diagnosis is not None:
            raise Refused(diagnosis)

    def _flush(self, bounds: Bounds) -> None:
        while self._pg.flush():
            # The server may answer before it has read all, and must not be kept from it.
            if bounds.wait(self._pg.socket, READABLE | WRITABLE) & READABLE:
                self._pg.consume_input()

    def _next(self, bounds: Bounds, diagnosis: Diagnosis | None) -> PGresult | None:
        try:
            while self._pg.is_busy():
                bounds.wait(self._pg.socket, READABLE)
                self._pg.consume_input()
        except psycopg.OperationalError:
            # The server's last words tell more than the end of the connection after them.
            if diagnosis is None:
                raise
            return None
        return self._pg.get_result()

    @contextlib.contextmanager
    def _closed_on_failure(self) -> Iterator[None]:
        try:
            yield
        except Refused:
            raise
        except psycopg.Error as error:
            self.close()
            raise LostError(one_line(str(error))) from error
        except BaseException:
            self._cancel()
            self.close()
            raise

    def _cancel(self) -> None:
        """Ask the server to stop what it does; it would go on, and hold its locks, after the connection has gone."""
        if self._pg.transaction_status != pq.TransactionStatus.ACTIVE:
            return
        never = Interrupt()
        try:
            _cancel(self._pg, Bounds(Deadline.after(CANCEL_SECONDS, "cancel"), never))
        except (psycopg.Error, TimeRanOutError):
            pass  # The server can't be reached: there is nothing more to be done, and a better error under way.
        finally:
            never.close()


def _cancel(connection: PGconn, bounds: Bounds) -> None:
    cancel = connection.cancel_conn()
    try:
        cancel.start()
        while (status := cancel.poll()) != pq.PollingStatus.OK and status != pq.PollingStatus.FAILED:
            bounds.check()
            bounds.wait(cancel.socket, READABLE if status == pq.PollingStatus.READING else WRITABLE)
    finally:
        cancel.finish()


def _has_input(fd: int) -> bool:
    poller = select.poll()
    poller.register(fd, select.POLLIN)
    return bool(poller.poll(0))


def _shape(cells: Cells) -> tuple[int, Shape]:
    oid, element, base, delimiter = (cell or b"" for cell in cells)
    return int(oid), Shape(int(element), int(base), delimiter.decode())


def _diagnosis(result: PGresult) -> Diagnosis:
    """What the server says. Raises ``psycopg.OperationalError`` where it is libpq that says the connection is gone."""
    fields = pq.DiagnosticField

    def said(code: pq.DiagnosticField) -> str:
        return one_line((result.error_field(code) or b"").decode("utf-8", "replace"))

    sqlstate = said(fields.SQLSTATE)
    if not sqlstate:
        raise psycopg.OperationalError(result.get_error_message())
    severity = said(fields.SEVERITY_NONLOCALIZED) or said(fields.SEVERITY)
    return Diagnosis(
        code=f"SQLSTATE {sqlstate}",
        message=said(fields.MESSAGE_PRIMARY),
        fault=fault_of(sqlstate, severity=severity, context=said(fields.CONTEXT)),
        detail=said(fields.MESSAGE_DETAIL),
        hint=hint_of(sqlstate, said(fields.MESSAGE_HINT)),
        position=int(said(fields.STATEMENT_POSITION) or 0),
        is_undecided=sqlstate in UNDECIDED,
    )
