"""Words of other tools, each answered with the word here."""

from __future__ import annotations

import pytest

from support.checked import check
from testmesh_engine.contract.problem import Problem

STEP = (
    "flow:\n  name: x\n  steps:\n"
    "    - action: http_request\n      config: {url: 'http://h'}\n      assert: [status == 200]\n"
)


def hint(text: str) -> str:
    """The hint of the first error."""
    found: list[Problem] = [problem for problem in check(text).problems if problem.severity == "error"]
    return found[0].hint


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("      expect: []\n", 'Write "assert".'),
        ("      extract: {}\n", 'Write "output".'),
        ("      url: http://h\n", "Write url under config."),
        ("      depends_on: []\n", "Steps run in the order in which they stand"),
        ("  vars: {}\n", 'Write "env".'),
        ("  after: []\n", 'Write "teardown".'),
    ],
)
def test_a_key_of_another_tool_is_answered_with_ours(line: str, said: str) -> None:
    """Letters alone would not tell."""
    assert hint(STEP + line).startswith(said)


@pytest.mark.parametrize("key", ["assert", "retry", "eventually", "output"])
def test_a_key_of_the_step_in_its_config_is_sent_to_its_place(key: str) -> None:
    """The original had some of them there."""
    text = STEP.replace("{url: 'http://h'}", f"{{url: 'http://h', {key}: 1}}")
    assert hint(text).startswith(f"Write {key} beside config")


@pytest.mark.parametrize(
    ("action", "said"),
    [
        ("mongodb_find", "Ask the service that owns the data"),
        ("browser", "Test the API that the page calls"),
        ("docker.run", "A flow starts nothing"),
        ("mcp_call", "JSON-RPC"),
        ("contract_verify", "matches_schema"),
        ("http", 'Write "http_request".'),
        ("sleep", 'Write "delay".'),
    ],
)
def test_an_action_that_is_none_is_answered_with_what_to_do(action: str, said: str) -> None:
    """Those that TestMesh will not have, and those that it calls otherwise."""
    assert said in hint(STEP.replace("http_request", action))


def test_names_of_other_languages_are_answered() -> None:
    """In expressions and placeholders."""
    assert "Write nil." == hint(STEP.replace("status == 200", "body.id != undefined"))
    assert "A flow starts no services" in hint(STEP.replace("http://h", "${service.x}"))
