"""Expressions in the config of a step: compiled with the flow, evaluated by the action, in the scope of the step."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from types import ModuleType

import pytest

from support.checked import check
from support.flows import Ran, run
from testmesh_engine.actions import registry
from testmesh_engine.actions.base import Connections, Context, Counters, Result
from testmesh_engine.actions.waiting import Deadline, Interrupt
from testmesh_engine.contract.catalogue import ActionSpec, Key, Kind
from testmesh_engine.contract.result import Outcome
from testmesh_engine.errors import UsageError
from testmesh_engine.expressions import Value

NUMBERS: dict[str, Value] = {"value": 42, "$": {"id": 42}}


class Asking:
    """Asks the expressions of its config about ``value`` and ``$``."""

    spec = ActionSpec(
        name="asking",
        doc="asks",
        keys=(
            Key(name="condition", kind=Kind.CONDITION, doc="one", names=("value", "$")),
            Key(
                name="match",
                kind=Kind.MAP,
                doc="several",
                fields=(Key(name="where", kind=Kind.CONDITIONS, doc="all of them", names=("value", "$")),),
            ),
            Key(name="text", kind=Kind.TEXT, doc="rendered"),
        ),
        results={"holds": "what each says", "text": "the text"},
    )

    def run(self, config: Mapping[str, Value], context: Context) -> Result:
        """What each of the expressions says, in the order of the config."""
        match = config.get("match")
        where = match["where"] if isinstance(match, dict) else []
        texts = [config.get("condition"), *(where if isinstance(where, list) else [where])]
        holds: list[Value] = [context.check(text, NUMBERS).holds for text in texts if isinstance(text, str)]
        return {"holds": holds, "text": config.get("text")}


@pytest.fixture(autouse=True)
def _asking(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The action is one of the catalogue's."""
    module = ModuleType("asking")
    module.Asking = Asking  # type: ignore[attr-defined]  # as a module of an action has it
    monkeypatch.setitem(sys.modules, "asking", module)
    monkeypatch.setitem(registry._ACTIONS, "asking", "asking:Asking")
    registry.load_action.cache_clear()
    yield
    registry.load_action.cache_clear()


def asked(config: str, asserted: str) -> Ran:
    """A flow that captures 42 as ``wanted`` by a step ``first-one``, then asks."""
    return run(f"""
        env: {{LIMIT: 40}}
        steps:
          - {{id: first-one, action: asking, config: {{text: '42'}}, output: {{wanted: int(text)}}, assert: ['true']}}
          - {{id: second, action: asking, config: {{{config}}}, assert: ['{asserted}']}}
    """)


@pytest.mark.parametrize(
    "condition",
    [
        "value == wanted",
        "value == ${wanted}",
        "value > LIMIT",
        "$.id == 42",
        "$.id == first-one.wanted",
        'value == 42 && first-one.text == "42"',
    ],
)
def test_an_expression_sees_what_the_action_gives_and_all_that_the_step_sees(condition: str) -> None:
    """Names of the action, captured variables, env, earlier steps, also one whose id has a dash."""
    ran = asked(f"condition: '{condition}'", "holds == [true]")
    assert Outcome.PASSED is ran.result.outcome, ran.step("second").message


def test_expressions_deep_in_a_config_are_compiled_too() -> None:
    """One alone or a list; the templates beside them are rendered as ever."""
    config = "match: {where: ['value > 41', 'value > 42']}, text: '${wanted} {{LIMIT}}'"
    assert 0 == asked(config, 'holds == [true, false] && text == "42 40"').exit_code
    assert 0 == asked("match: {where: value < 43}", "holds == [true]").exit_code


@pytest.mark.parametrize(
    ("config", "said", "at"),
    [
        ("condition: value + == 1", "`==` can't stand here", "== 1}"),
        ("condition: vale == 1", "unknown variable vale", "vale"),
        ("condition: true", "condition is an expression, found true", "true}"),
        ("condition: \"'x'\"", "condition is a condition, and this is always text", "\"'x'"),
        ("match: {where: [value == 1, oops == 2]}", "unknown variable oops", "oops"),
        ("match: {where: []}", "where is empty", "[]"),
        ("match: {where: '1 +% 2'}, text: '{{ 1 +* }}'", "`%` can't stand here", "% 2"),
        ("match: {where: '1 +% 2'}, text: '{{ 1 +* }}'", "`*` can't stand here", "* }"),
    ],
)
def test_a_broken_expression_is_an_error_before_the_run(config: str, said: str, at: str) -> None:
    """At its own place in the file, whatever else is wrong beside it."""
    line = f"  steps: [{{action: asking, assert: ['1 == 1'], config: {{{config}}}}}]"
    found = check(f"flow:\n  name: x\n{line}\n").problems
    assert [(3, line.index(at) + 1)] == [(each.line, each.column) for each in found if said in each.message], found


def test_text_that_comes_with_a_placeholder_is_compiled_in_the_run() -> None:
    """A whole map may be captured; text that is no expression is the flow's fault."""
    interrupt = Interrupt()
    context = Context(
        step="s",
        deadline=Deadline.after(1, "the test"),
        interrupt=interrupt,
        connections=Connections(),
        counters=Counters(),
        holds=lambda _: True,
    )
    assert context.check("value == 42", NUMBERS).holds
    assert 43 == context.evaluate("value + 1", NUMBERS)
    with pytest.raises(UsageError, match="value == is no expression"):
        context.check("value ==", NUMBERS)
    interrupt.close()
