"""Reads ``data``: the rows for each of which the flow is run once."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence

from testmesh_engine.contract.problem import FlowInvalid
from testmesh_engine.contract.record import dataclass
from testmesh_engine.errors import UsageError
from testmesh_engine.expressions import ExpressionError, Value, compile_template, parse_json, show
from testmesh_engine.language import keys
from testmesh_engine.language.env_file import constant_text
from testmesh_engine.language.files import Files
from testmesh_engine.language.findings import Findings
from testmesh_engine.language.load import load_documents
from testmesh_engine.language.model import EnvVar, Row
from testmesh_engine.language.names import Known
from testmesh_engine.language.nodes import ListNode, MapNode, Node, Source, child_path, kind_of_node, plain
from testmesh_engine.language.objects import node_of
from testmesh_engine.language.scanning import lines_of

MAX_ROWS = 10_000
"""Each is a run with a result of its own: more would fill the memory with results that nobody reads."""

_FORMS = (".csv", ".json", ".yaml", ".yml")


@dataclass(frozen=True, slots=True)
class Table:
    """Rows as they were read; ``findings`` note what is wrong at their places.

    ``rendered`` is set for those that are text of the flow, with placeholders.
    """

    rows: tuple[MapNode, ...]
    findings: Findings
    rendered: bool

    @property
    def columns(self) -> frozenset[str]:
        """The keys of all rows."""
        return frozenset(key for row in self.rows for key in row.entries)


def read_table(findings: Findings, node: Node, files: Files) -> Table:
    """The rows of ``data``; what is wrong is noted, and is no row."""
    none = Table((), findings, rendered=False)
    if isinstance(node, ListNode):
        findings.error(node, "data is a map, found a list", hint="Write data: {rows: […]}, with the list under rows.")
        return none
    data = findings.map(node, "data")
    if data is None:
        return none
    findings.keys(data, "data", allowed=keys.names(keys.DATA))
    given = [name for name in keys.names(keys.DATA) if name in data.entries]
    if len(given) != 1:
        what = "rows or file, not both" if given else "rows, or a file with them"
        findings.error(data, f"data has {what}", hint="Write data: {rows: [{name: value}]} or data: {file: rows.csv}.")
        return none
    key = given[0]
    below = data.entries[key][1]
    table = Table(_rows(findings, below, "rows"), findings, rendered=True) if key == "rows" else none
    return _from_file(findings, below, files) if key == "file" else table


def rows_from(table: Table, known: Known) -> tuple[Row, ...]:
    """The rows of ``table``, their placeholders compiled."""
    count = len(table.rows)
    return tuple(
        row for number, node in enumerate(table.rows, 1) if (row := _row(node, number, count, table=table, known=known))
    )


def _row(node: MapNode, number: int, count: int, *, table: Table, known: Known) -> Row | None:
    values = plain(node)
    first = next(iter(node.entries.items()), None)
    shown = (first[0], _label(plain(first[1][1]))) if first else ("", "")
    if not table.rendered:
        return Row(number=number, count=count, values=values, first=shown) if isinstance(values, dict) else None
    try:
        template = compile_template(values)
    except ExpressionError as error:
        table.findings.broken_text(node, error)
        return None
    known.check(table.findings, node, template.names)
    variable = EnvVar(name="row", value=values, template=template, line=node.line)
    return Row(number=number, count=count, values={}, template=variable, first=shown)


def _label(value: Value) -> str:
    return value if isinstance(value, str) else show(value, 40)


def _rows(findings: Findings, node: Node, what: str) -> tuple[MapNode, ...]:
    items = findings.items(node, what)
    if isinstance(node, ListNode) and not items:
        findings.error(node, f"{what} is empty: the flow would not run at all", hint="Write at least one row.")
    if len(items) > MAX_ROWS:
        findings.error(node, f"{what} has {len(items)} rows, and {MAX_ROWS} may be run")
        return ()
    for item in items:
        if not isinstance(item, MapNode):
            findings.error(item, f"a row is a map, found {kind_of_node(item)}", hint="Write - {column: value}")
    return tuple(item for item in items if isinstance(item, MapNode))


def _from_file(findings: Findings, node: Node, files: Files) -> Table:
    name = constant_text(findings, node, "file")
    if name is None:
        return Table((), findings, rendered=False)
    if not name.lower().endswith(_FORMS):
        findings.error(node, f"{name} is no {', '.join(_FORMS)}", hint="The name's end says how the rows are read.")
        return Table((), findings, rendered=False)
    try:
        text = files.read(name)
        inner = Findings(Source(name=name, lines=lines_of(text)))
        root = _root(text, inner.source)
    except UsageError as error:
        problems = error.problems if isinstance(error, FlowInvalid) else ()
        findings.problems.extend(problems)
        if not problems:
            findings.error(node, error.message, hint=error.hint)
        return Table((), findings, rendered=False)
    if isinstance(root, ListNode) and not root.items:
        findings.error(node, f"{name} is empty: the flow would not run at all", hint="Write at least one row.")
        return Table((), findings, rendered=False)
    rows = _rows(inner, root, name)
    findings.problems.extend(inner.problems)
    return Table(rows, inner, rendered=False)


def _root(text: str, source: Source) -> Node:
    """The tree of a file. Raises ``UsageError`` with its place for text that can't be read."""
    name = source.name.lower()
    if name.endswith(".csv"):
        return node_of(list(_csv(text, source.name)), "")
    if name.endswith(".json"):
        try:
            return node_of(parse_json(text, unique=True), "")
        except ValueError as error:
            raise UsageError(f"{source.name} is no JSON: {error}") from error
    documents = load_documents(text, source)
    if len(documents) != 1:
        raise UsageError(f"{source.name} holds {len(documents)} documents, and one list of rows is meant")
    return documents[0].root


def _csv(text: str, name: str) -> Iterator[dict[str, str]]:
    """The rows below the line of names, each value as text. Raises ``UsageError`` with the line that does not fit."""
    reader = csv.reader(io.StringIO(text), strict=True)
    columns: list[str] = []
    try:
        for cells in reader:
            if not cells:
                continue
            if not columns:
                columns = _columns(cells, name)
            elif len(cells) != len(columns):
                raise UsageError(f"{name}:{reader.line_num}: {len(cells)} values for {len(columns)} columns")
            else:
                yield dict(zip(columns, cells, strict=True))
    except csv.Error as error:
        raise UsageError(f"{name}:{reader.line_num}: no CSV: {error}") from error


def _columns(cells: Sequence[str], name: str) -> list[str]:
    columns = [cell.strip() for cell in cells]
    for number, column in enumerate(columns, 1):
        if not column:
            raise UsageError(f"{name}:1: column {number} has no name")
        if column in columns[: number - 1]:
            raise UsageError(f"{name}:1: two columns are called {child_path('', column).lstrip('.')}")
    return columns
