"""What ``testmesh actions`` prints."""

from __future__ import annotations

import textwrap

import pytest

from testmesh_engine.actions.registry import Registry
from testmesh_engine.cli.actions import print_action, print_actions
from testmesh_engine.language.names import Outside
from testmesh_engine.language.validate import check_text


class OneFlow:
    """Any file beside the example: the flow that it runs."""

    def read(self, _: str) -> str:
        """A flow."""
        steps = "steps: [{action: log, config: {message: '${user}'}}]"
        return f"flow: {{name: y, inputs: {{user: x}}, output: {{token: user}}, {steps}}}"


@pytest.mark.parametrize("name", Registry().names())
def test_the_example_of_each_action_is_a_step_without_a_problem(name: str) -> None:
    """It is what a newcomer copies first."""
    spec = Registry().find(name)
    assert spec
    assert spec.example.startswith("- ")
    text = f"flow:\n  name: x\n  steps:\n{textwrap.indent(spec.example, '    ')}"
    outside = Outside(complete=True)
    (checked,) = check_text(text, name="x", catalogue=Registry(), outside=outside, files=OneFlow())
    assert () == checked.problems


def test_every_action_has_its_line(capsys: pytest.CaptureFixture[str]) -> None:
    """With its other spellings."""
    print_actions()
    said = capsys.readouterr().out
    assert [] == [name for name in Registry().names() if f"\n{name}" not in f"\n{said}"]
    assert "kafka_consumer = " in said


@pytest.mark.parametrize("name", Registry().names())
def test_all_that_an_action_declares_is_told(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Every key, every result, every sentence on them."""
    spec = Registry().find(name)
    assert spec
    print_action(name)
    said = capsys.readouterr().out
    told = [spec.doc, *spec.aliases, *spec.results, *spec.results.values(), *spec.example.splitlines()]
    told += [text for key in spec.keys for text in (key.name, *key.aliases, *key.choices, key.doc, key.default)]
    told += [f"{key.name}.{field.name}" for key in spec.keys for field in key.fields]
    assert [] == [text for text in told if text not in said]
