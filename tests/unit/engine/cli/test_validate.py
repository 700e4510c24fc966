"""What ``testmesh validate`` prints: problems that tell everything but secrets."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from testmesh_engine.cli.validate import ValidateArguments, shown, validate_paths
from testmesh_engine.contract.problem import Problem

STEPS = "  steps:\n    - {action: delay, config: {duration: 1s}}\n"
ENV = "flow:\n  name: x\n  env:\n    API_PASSWORD: {value}\n" + STEPS
CONFIG = 'flow:\n  name: x\n  steps:\n    - {{action: http_request, config: {{url: "http://h", {config}}}}}\n'


@pytest.mark.parametrize("output", ["text", "json"])
@pytest.mark.parametrize(
    "text",
    [
        *(
            ENV.replace("{value}", value)
            for value in (
                "*hunter2pass",
                "!hunter2pass",
                "@hunter2pass",
                '"hunter2pass" x',
                '"hunter2pass{{"',
                "${A:hunter2pass} ${",
            )
        ),
        *(
            CONFIG.format(config=config)
            for config in (
                "auth: {bearer: 92736481726}",
                "auth: hunter2pass",
                'headers: "Authorization Bearer hunter2pass"',
                'headers: {Authorization: "Bearer ${hunter2pass"}',
            )
        ),
        "flow:\n  name: x\n  env:\n    C: postgresql://root:hunter2pass@h/db: x\n" + STEPS,
        "flow:\n  name: x\n  env:\n    C: http://h/?api_key=hunter2pass: x\n" + STEPS,
    ],
)
def test_no_problem_shows_a_secret(text: str, output: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Neither in the line, nor in the message, nor in the line to paste."""
    path = tmp_path / "f.yaml"
    path.write_text(text, encoding="utf-8")
    assert 2 == validate_paths(ValidateArguments(paths=(str(path),), output=output))
    said = capsys.readouterr().out
    assert "***" in said
    assert "hunter2" not in said
    assert "92736481726" not in said


def test_a_problem_of_an_object_shows_no_secret_either() -> None:
    """There is no line: the path tells what it is about."""
    path = "spec.flow.steps[0].config.auth"
    found = shown(Problem(message='auth takes a map, found text "hunter2pass"', path=path))
    assert 'auth takes a map, found text "***"' == found.message


def test_what_is_no_secret_stays() -> None:
    """A hint that hides what it is about helps nobody."""
    problem = Problem(
        message="unknown variable API_TOKEN",
        hint="Declare it in env, capture it by an output above, or give --var API_TOKEN=…",
        excerpt='    headers: {Authorization: "Bearer ${API_TOKEN}"}',
    )
    assert (problem.message, problem.hint) == (shown(problem).message, shown(problem).hint)


def test_an_object_that_is_nested_too_deep_is_a_problem_in_json(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whoever asked for JSON gets JSON."""
    path = tmp_path / "o.json"
    path.write_text("[" * 100 + "]" * 100, encoding="utf-8")
    arguments = ValidateArguments(paths=(str(path),), output="json", object_path="spec.flow")
    assert 2 == validate_paths(arguments)
    (problem,) = json.loads(capsys.readouterr().out)["problems"]
    assert "nested more than 64 deep" == problem["message"]


DECLARED = """flow:
  name: x
  env: {KEY: VALUE, OTHER: "${nope}"}
  secrets: [KEY]
  steps:
    - {action: delay, config: {duration: 1s}, assert: ['1 == "S3cr3tValue-xyz" and nope2']}
"""


@pytest.mark.parametrize("output", ["text", "json"])
@pytest.mark.parametrize(
    "text",
    [
        DECLARED.replace("VALUE", "S3cr3tValue-xyz"),
        DECLARED.replace("VALUE", '"S3cr3tValue-xyz"'),
        DECLARED.replace("VALUE", '"${KEY:-S3cr3tValue-xyz}"'),
        DECLARED.replace("VALUE", "{a: [S3cr3tValue-xyz]}"),
        DECLARED.replace("VALUE", "@S3cr3tValue-xyz"),
        DECLARED.replace("VALUE", '"S3cr3tValue-xyz'),
        DECLARED.replace("VALUE", "S3cr3tValue-xyz").replace("secrets: [KEY]", "secrets:\n    - KEY\n  tags: ]"),
        DECLARED.replace("env:", "inputs:").replace("VALUE", "S3cr3tValue-xyz"),
        DECLARED.replace("env:", "inputs:").replace("VALUE", "{type: text, default: S3cr3tValue-xyz}"),
        DECLARED.replace("env:", "data:").replace("{KEY: VALUE, ", "{rows: [{KEY: S3cr3tValue-xyz}], "),
        DECLARED.replace("{KEY: VALUE, ", "\n    KEY: |\n      S3cr3tValue-xyz\n    B: {C: S3cr3tValue-xyz, "),
    ],
)
def test_no_problem_shows_a_value_of_a_declared_secret(
    text: str, output: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Also where the flow is no flow, and where YAML can't read it."""
    path = tmp_path / "f.yaml"
    path.write_text(text, encoding="utf-8")
    assert 2 == validate_paths(ValidateArguments(paths=(str(path),), output=output))
    said = capsys.readouterr().out
    assert "S3cr3tValue" not in said
    assert "***" in said


def test_what_a_declared_secret_does_not_hold_is_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The word `text` of an input's declaration is no secret, nor is a variable that the value names."""
    path = tmp_path / "f.yaml"
    text = DECLARED.replace("env:", "inputs:").replace("VALUE", '{type: text, default: "${nope3}"}')
    path.write_text(text, encoding="utf-8")
    assert 2 == validate_paths(ValidateArguments(paths=(str(path),)))
    said = capsys.readouterr().out
    assert 'inputs: {KEY: {type: text, default: "${nope3}"}, OTHER: "${nope}"}' in said


@pytest.mark.parametrize(
    ("line", "at"),
    [
        ("  env: {KEY: S3cr3tValue-xyz, U: ${nope}}", "nope"),
        ("  env: {DB_PASSWORD: hunter2hunter2, K: S3cr3tValue-xyz, U: ${nope}}", "nope"),
        ("  env: {U: ${nope}, KEY: S3cr3tValue-xyz}", "nope"),
    ],
)
def test_the_caret_stands_below_what_is_meant_also_where_secrets_are_taken_out(line: str, at: str) -> None:
    """They may stand before it in the line, and are longer than what is shown instead."""
    problem = shown(Problem(message="m", line=3, column=line.index(at) + 1, excerpt=line), ["S3cr3tValue-xyz"])
    _, shown_line, caret = problem.render().splitlines()
    assert shown_line.index(at) == caret.index("^")
    assert line.index(at) + 1 == problem.column


def test_the_caret_of_a_secret_stands_below_its_mask() -> None:
    """Where it is the value itself that is wrong."""
    line = "  env: {KEY: S3cr3tValue-xyz}"
    problem = shown(Problem(message="m", line=3, column=line.index("tValue") + 1, excerpt=line), ["S3cr3tValue-xyz"])
    _, shown_line, caret = problem.render().splitlines()
    assert shown_line.index("***") == caret.index("^")
