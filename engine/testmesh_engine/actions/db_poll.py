"""``db_poll``: a ``database_query`` that is asked again until its condition holds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal

from testmesh_engine.actions.base import Context, Result
from testmesh_engine.actions.config import Config
from testmesh_engine.actions.database_query import QUERY_KEYS, QUERY_RESULTS, run_query
from testmesh_engine.contract.catalogue import ActionSpec, Condition, Key, Kind, Waiting
from testmesh_engine.expressions import Value, nearest, to_json

_A_ROW_EXISTS = "row_count > 0"
_COMPARISONS = {
    "equals": "==",
    "not_equals": "!=",
    "contains": "contains",
    "greater_than": ">",
    "less_than": "<",
}
_EXISTS = {"exists": _A_ROW_EXISTS, "not_exists": "row_count == 0"}
_COUNTS = ("row_count", "count")
_SPELLINGS = {
    "column_equals": "equals",
    "column_value": "equals",
    "value": "equals",
    "eq": "equals",
    "ne": "not_equals",
    "gt": "greater_than",
    "lt": "less_than",
    "row_exists": "exists",
    "rows_exist": "exists",
    "no_rows": "not_exists",
}
_TYPES = (*_COMPARISONS, *_EXISTS, *_COUNTS)


def conditions(config: Mapping[str, object]) -> Iterator[Condition]:
    """What must hold, as expressions on the result, by the key that says so; without any, that a row exists.

    Raises ``ValueError`` with what is wrong, the key that it stands under, and perhaps a hint.
    """
    found = [*_written(config, "condition"), *_written(config, "eventually")]
    if "expected_rows" in config:
        found.append(Condition("expected_rows", f"row_count == {_literal(config['expected_rows'])}"))
    if "column" in config or "expected_value" in config:
        compared = _of_column(config)
        found += [Condition("expected_value", _is_column(config["column"])), Condition("expected_value", compared)]
    yield from found or [Condition("", _A_ROW_EXISTS)]


def _written(config: Mapping[str, object], key: str) -> Iterator[Condition]:
    given = config.get(key)
    if isinstance(given, Mapping) and (key == "condition" or "type" in given):
        compared = _of_type(given, key)
        if "column" in given and "first_row" in compared:
            yield Condition(key, _is_column(given["column"]))
        yield Condition(key, compared)
    elif isinstance(given, list):
        yield from (Condition(key, item) for item in given)
    elif key in config and not isinstance(given, Mapping):
        yield Condition(key, given)


def _of_type(given: Mapping[str, object], key: str) -> str:
    """``{type: equals, column: status, value: paid}``; without a type it is ``equals``."""
    if unknown := next((name for name in given if name not in ("type", "column", "value")), ""):
        raise ValueError(f'{key} has no key "{unknown}"; it has type, column and value', key)
    word = str(given.get("type", "equals")).lower()
    kind = _SPELLINGS.get(word, word)
    if kind in _EXISTS:
        return _EXISTS[kind]
    if kind not in _TYPES:
        near = nearest(kind, _TYPES)
        hint = f"Did you mean {near}?" if near else ""
        raise ValueError(f"the type of a {key} is one of {', '.join(_TYPES)}", key, hint)
    if "value" not in given:
        raise ValueError(f"a {key} of type {kind} needs a value", key)
    if kind in _COUNTS:
        return f"row_count == {_literal(given['value'])}"
    if "column" not in given:
        raise ValueError(f"a {key} of type {kind} needs a column", key)
    return f"{_cell(given['column'])} {_COMPARISONS[kind]} {_literal(given['value'])}"


def _of_column(config: Mapping[str, object]) -> str:
    for one, other in (("column", "expected_value"), ("expected_value", "column")):
        if other not in config:
            raise ValueError(f"{one} goes with {other}", one)
    return f"{_cell(config['column'])} == {_literal(config['expected_value'])}"


def _is_column(column: object) -> str:
    """A column that the query does not return would equal null."""
    return f"{to_json(str(column))} in columns"


def _cell(column: object) -> str:
    name = str(column)
    return f"first_row.{name}" if name.isidentifier() else f"first_row[{to_json(name)}]"


def _literal(value: object) -> str:
    """``value`` as an expression has it; text that is only a placeholder keeps the kind of what it stands for."""
    if isinstance(value, str) and _is_placeholder(value.strip()):
        return value.strip()
    if value is None or isinstance(value, (bool, int, Decimal, str, list, dict)):
        return to_json(value)
    return str(value)


def _is_placeholder(text: str) -> bool:
    for start, end in (("${", "}"), ("{{", "}}")):
        if text.startswith(start) and text.endswith(end) and start not in text[2:]:
            return True
    return False


class DbPoll:
    """The same statements, sent anew for each attempt; when the next one starts is the flow's business."""

    spec = ActionSpec(
        name="db_poll",
        doc="Asks a database again and again until a condition holds.",
        example=(
            "- id: paid\n"
            "  action: db_poll\n"
            "  config:\n"
            "    connection: postgresql://root:admin@localhost:5432/postgres\n"
            "    query: SELECT status FROM orders WHERE id = $1\n"
            "    params: [7]\n"
            "    condition: first_row.status == 'paid'\n"
            "    timeout: 20s\n"
            "    interval: 200ms\n"
        ),
        keys=(
            *QUERY_KEYS,
            Key(
                name="condition",
                kind=Kind.ANY,
                doc=(
                    "what is waited for: an expression on the result, a list of them, or {type, column, value}; "
                    "without any of these keys, that a row exists"
                ),
            ),
            Key(
                name="eventually",
                kind=Kind.ANY,
                doc="another word for condition; or a map of timeout, interval, stable_for and stop_on",
            ),
            Key(name="expected_rows", kind=Kind.INTEGER, doc="waits until the query returns this many rows"),
            Key(
                name="column", kind=Kind.TEXT, doc="with expected_value: the column of the first row that is looked at"
            ),
            Key(name="expected_value", kind=Kind.ANY, doc="waits until the column has this value"),
            Key(
                name="interval",
                kind=Kind.DURATION,
                doc="from the end of one query to the start of the next",
                default="500ms",
                aliases=("poll_interval",),
            ),
            Key(name="max_attempts", kind=Kind.INTEGER, doc="how often it is asked at most"),
            Key(name="timeout", kind=Kind.DURATION, doc="bounds all of it", default="30s"),
        ),
        results={**QUERY_RESULTS, "attempts": "how often it was asked"},
        asserts_itself=True,
        waiting=Waiting(
            conditions=conditions, keys=("condition", "eventually", "expected_rows", "column", "expected_value")
        ),
    )

    def run(self, config: Mapping[str, Value], context: Context) -> Result:
        """Ask once. Raises as ``DatabaseQuery.run``."""
        return {**run_query(Config(self.spec, config), context), "attempts": context.attempt}
