"""``log``: what it says is in the result, and in the console's lines."""

from __future__ import annotations

import pytest

from support.flows import read, run
from testmesh_engine.contract.result import Outcome
from testmesh_engine.report.console_step import details


def test_a_message_is_rendered_and_shown_by_the_console() -> None:
    """Also of a step that passed."""
    ran = run("env: {A: 7}\nsteps:\n  - {id: said, action: log, config: {message: 'order ${A} is\\n placed'}}\n")
    assert ["order 7 is\\n placed"] == list(details(ran.step("said"), verbose=False))


def test_a_value_is_said_as_json_and_an_error_fails_nothing() -> None:
    """The level is for people."""
    ran = run("""
        steps:
          - id: said
            action: log
            config: {message: {a: [1, 59.90]}, level: error}
            assert: ['message == "{\\"a\\":[1,59.90]}"', 'level == "error"']
          - {id: warned, action: log, config: {message: x, level: WARN}, assert: [level == "warning"]}
    """)
    assert Outcome.PASSED == ran.result.outcome, ran.result
    assert ["warning: x"] == list(details(ran.step("warned"), verbose=False))


def test_a_level_that_is_none_is_refused() -> None:
    """With those that there are."""
    with pytest.raises(AssertionError, match="level is one of DEBUG, INFO"):
        read("steps:\n  - {action: log, config: {message: x, level: loud}}\n")
