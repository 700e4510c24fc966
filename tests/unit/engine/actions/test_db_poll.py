"""What db_poll waits for, as expressions, and what becomes of it in a flow."""

from __future__ import annotations

import pytest

from support.flows import Ran, read, run
from testmesh_engine.actions.db_poll import DbPoll, conditions
from testmesh_engine.actions.registry import Registry
from testmesh_engine.contract.result import Outcome
from testmesh_engine.language.model import Eventually, Retry, Step
from testmesh_engine.language.names import Outside
from testmesh_engine.language.validate import check_text

SETUP = """\
env: {DB: "sqlite:///:memory:", WANT: paid}
setup:
  - action: database_query
    config:
      connection: "${DB}"
      query: CREATE TABLE orders (id INTEGER, status TEXT); INSERT INTO orders VALUES (1, 'new')
    assert: [rows_affected == 1]
steps:
"""
GROW = "UPDATE orders SET id = id + 1; SELECT * FROM orders"


def polled(config: str, *more: str) -> Ran:
    """The run of one step that waits; ``config`` are lines of it, ``more`` lines of the step."""
    lines = ["  - id: it", "    action: db_poll", *(f"    {line}" for line in more), "    config:"]
    lines += ['      connection: "${DB}"', *(f"      {line}" for line in config.splitlines())]
    return run(SETUP + "\n".join(lines))


def step_of(config: str, *more: str) -> Step:
    """The step as it was read."""
    lines = ["steps:", "  - action: db_poll", *(f"    {line}" for line in more), "    config:"]
    lines += [
        "      connection: sqlite://",
        "      query: SELECT 1",
        *(f"      {line}" for line in config.splitlines()),
    ]
    [step] = read("\n".join(lines)).steps
    return step


def problems(config: str, *more: str) -> list[str]:
    """What is wrong with such a step: line, message and hint of each."""
    lines = ["flow:", "  name: t", "  steps:", "  - action: db_poll", *(f"    {line}" for line in more), "    config:"]
    lines += [
        "      connection: sqlite://",
        "      query: SELECT 1",
        *(f"      {line}" for line in config.splitlines()),
    ]
    (checked,) = check_text("\n".join(lines), name="t.yaml", catalogue=Registry(), outside=Outside(complete=True))
    return [f"{problem.line}: {problem.message} {problem.hint}".strip() for problem in checked.problems]


@pytest.mark.parametrize(
    ("expected", "config"),
    [
        (["row_count > 0"], {}),
        (["count == 1"], {"condition": "count == 1"}),
        (["count == 1", "rows[0].a == 2"], {"condition": ["count == 1", "rows[0].a == 2"]}),
        (["count == 1"], {"eventually": "count == 1"}),
        (["row_count > 0"], {"eventually": {"timeout": "5s"}}),
        (["row_count == 3"], {"expected_rows": 3}),
        (["row_count == ${N}"], {"expected_rows": "${N}"}),
        (['"status" in columns', 'first_row.status == "paid"'], {"column": "status", "expected_value": "paid"}),
        (['"order id" in columns', 'first_row["order id"] == 5'], {"column": "order id", "expected_value": 5}),
        (['"done" in columns', "first_row.done == true"], {"column": "done", "expected_value": True}),
        (['"done" in columns', "first_row.done == null"], {"column": "done", "expected_value": None}),
        (['"status" in columns', "first_row.status == ${WANT}"], {"column": "status", "expected_value": "${WANT}"}),
        (['"status" in columns', 'first_row.status == "a {{x}}"'], {"column": "status", "expected_value": "a {{x}}"}),
        (['"status" in columns', 'first_row.status == "${a}${b}"'], {"column": "status", "expected_value": "${a}${b}"}),
        (
            ['"status" in columns', 'first_row.status == "it\'s \\"so\\""'],
            {"column": "status", "expected_value": 'it\'s "so"'},
        ),
        (['"a" in columns', 'first_row.a != "b"'], {"condition": {"type": "not_equals", "column": "a", "value": "b"}}),
        (['"a" in columns', 'first_row.a == "b"'], {"condition": {"column": "a", "value": "b"}}),
        (['"a" in columns', "first_row.a > 5"], {"condition": {"type": "greater_than", "column": "a", "value": 5}}),
        (["row_count == 0"], {"condition": {"type": "not_exists"}}),
        (["row_count == 2"], {"condition": {"type": "row_count", "value": 2}}),
        (["count == 1", "row_count == 3"], {"condition": "count == 1", "expected_rows": 3}),
    ],
)
def test_each_spelling_is_an_expression(expected: list[str], config: dict[str, object]) -> None:
    """Failures then name what was compared, as with any assertion."""
    assert expected == [condition.expression for condition in conditions(config)]


def test_it_is_asked_until_the_condition_holds() -> None:
    """The result is that of a query, and says how often it was asked."""
    ran = polled(
        f'query: {GROW}\ncondition: "first_row.id > 3"\ninterval: 1ms', "output: {n: attempts}", "assert: [n == 3]"
    )
    step = ran.step("it")
    assert (Outcome.PASSED, 3) == (step.outcome, len(step.attempts))
    assert ["first_row.id > 3", "n == 3"] == [check.expression for check in step.attempts[-1].assertions]


def test_without_a_condition_a_row_is_waited_for() -> None:
    """An empty answer is no success."""
    ran = polled("query: SELECT * FROM orders WHERE id = 2\ntimeout: 50ms\ninterval: 10ms")
    assert Outcome.FAILED is ran.step("it").outcome
    assert ran.step("it").message.startswith("row_count > 0: row_count is 0 (after ")
    found = polled("query: SELECT * FROM orders WHERE id = 1\ntimeout: 50ms\ninterval: 10ms")
    assert 1 == len(found.step("it").attempts)


def test_a_column_that_never_has_its_value_is_shown() -> None:
    """With what it has, and what it was compared with."""
    ran = polled(
        'query: SELECT * FROM orders\ncolumn: status\nexpected_value: "${WANT}"\ninterval: 10ms\nmax_attempts: 3'
    )
    step = ran.step("it")
    assert (Outcome.FAILED, 3) == (step.outcome, len(step.attempts))
    assert 'first_row.status is "new", ${WANT} is "paid"' in step.message


@pytest.mark.parametrize(
    "condition", ["condition: {column: statuss, value: null}", "column: statuss\nexpected_value: null"]
)
def test_a_column_that_the_query_does_not_return_is_not_null(condition: str) -> None:
    """It is mistyped: the columns that there are stand beside it."""
    query = "query: SELECT * FROM orders"
    step = polled(f"{condition}\n{query}\ninterval: 1ms\nmax_attempts: 2").step("it")
    assert (Outcome.FAILED, 2) == (step.outcome, len(step.attempts))
    assert '"statuss" in columns: columns is ["id","status"]' in step.message


def test_a_refused_query_is_tried_again() -> None:
    """The service may not have made its table yet."""
    step = polled("query: SELECT * FROM later\nmax_attempts: 2\ninterval: 1ms").step("it")
    assert (Outcome.FAILED, 2) == (step.outcome, len(step.attempts))
    assert "no such table: later" in step.message


def test_times_are_those_of_eventually() -> None:
    """One machine; without a time it is the usual one."""
    assert Eventually(timeout=20.0, interval=0.2) == step_of("timeout: 20s\ninterval: 200ms").attempts
    assert Eventually(timeout=20.0, interval=0.2) == step_of("timeout: 20s\npoll_interval: 200ms").attempts
    assert Eventually() == step_of("expected_rows: 1").attempts
    assert Eventually(stable_for=1.0) == step_of("eventually: {stable_for: 1s}").attempts
    assert Eventually(timeout=3.0) == step_of("expected_rows: 1", "eventually: {timeout: 3s}").attempts
    assert not step_of("timeout: 20s").config.keys() - {"connection", "query"}


def test_a_number_of_attempts_is_a_retry_with_even_pauses() -> None:
    """A timeout bounds it all the same."""
    step = step_of("max_attempts: 7\ninterval: 45s\ntimeout: 20s")
    assert isinstance(step.attempts, Retry)
    assert (7, 45.0, "fixed", 45.0, 20.0) == (
        step.attempts.max_attempts,
        step.attempts.delay,
        step.attempts.backoff,
        step.attempts.max_delay,
        step.timeout,
    )


@pytest.mark.parametrize(
    ("expected", "config"),
    [
        (['8: unknown variable rowz Did you mean "rows"?'], "condition: rowz[0].a == 1"),
        (["8: column goes with expected_value"], "column: a"),
        (["8: expected_value goes with column"], "expected_value: a"),
        (["8: a condition of type equals needs a value"], "condition: {column: a}"),
        (["8: a condition of type equals needs a column"], "condition: {value: a}"),
        (['8: condition has no key "colum"; it has type, column and value'], "condition: {colum: a, value: 1}"),
        (
            ["8: an assertion is an expression, found true Compare something with it, for example: status == true"],
            "condition: true",
        ),
        (["8: max_attempts is a whole number from 1 on, found the number 0"], "max_attempts: 0"),
        (["9: poll_interval is another word for interval"], "interval: 1s\npoll_interval: 2s"),
        (["9: poll_interval is another word for interval"], "interval: 1s\npoll_interval: 2s\nmax_attempts: 2"),
        (["8: a step has this eventually or timeout beside it, not both"], "eventually: {interval: 1s}\ntimeout: 2s"),
    ],
)
def test_what_can_t_be_meant_is_told_where_it_stands(expected: list[str], config: str) -> None:
    """Before anything is run."""
    assert expected == problems(config)


def test_a_step_is_polled_by_one_of_the_two() -> None:
    """Its own retry, or the times of its config."""
    expected = ["9: a step has retry or timeout in its config, not both"]
    assert expected == problems("timeout: 2s", "retry: {max_attempts: 2}")


def test_a_type_that_is_none_has_the_nearest_beside_it() -> None:
    """All that there are as well."""
    [problem] = problems("condition: {type: eqals, column: a, value: 1}")
    assert problem.startswith("8: the type of a condition is one of equals, not_equals, contains,")
    assert problem.endswith("Did you mean equals?")


def test_the_declaration_is_that_of_a_query() -> None:
    """All keys of database_query, and the aliases of the language."""
    spec = DbPoll.spec
    assert {"connection", "query", "params", "transaction", "max_rows"} <= {key.name for key in spec.keys}
    assert spec.key("interval") == spec.key("poll_interval")
    assert {"rows", "row_count", "first_row", "attempts"} <= spec.results.keys()
