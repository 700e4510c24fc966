"""Flows inside manifests, and flows that came as objects."""

from __future__ import annotations

import pytest

from testmesh_engine.actions.registry import Registry
from testmesh_engine.language.names import Outside
from testmesh_engine.language.validate import Checked, check_flow, check_text, flow_of_object

API = "testmesh.io/v1alpha1"
HEAD = f"apiVersion: {API}\nkind: TestFlow\nmetadata: {{name: m}}\n"
FLOW = "flow:\n  name: inner\n  steps:\n    - {action: delay, config: {duration: 1s}}\n"


def check(text: str) -> list[Checked]:
    """The flows of the text."""
    return check_text(text, name="m.yaml", catalogue=Registry(), outside=Outside())


def indented(text: str, by: int) -> str:
    """The text as it stands in a block."""
    return "".join(f"{' ' * by}{line}\n" for line in text.splitlines())


@pytest.mark.parametrize(
    "spec",
    [
        f"spec:\n  source: |\n{indented(FLOW, 4)}",
        f"spec:\n  source: |2\n{indented(FLOW, 4)}",
        f"spec:\n  source: >-\n{indented('flow: {name: inner, steps: [{action: delay, config: {duration: 1s}}]}', 4)}",
        f"spec:\n{indented(FLOW, 2)}",
    ],
)
def test_both_forms_of_a_testflow_are_read(spec: str) -> None:
    """As text, and as what stands under ``flow``."""
    (found,) = check(HEAD + spec)
    assert ("inner", True, ()) == (found.name, found.ok, found.problems)


def test_problems_of_a_block_name_the_manifests_own_lines() -> None:
    """Whoever reads them has the manifest open."""
    broken = FLOW.replace("delay", "dealy")
    (found,) = check(f"{HEAD}spec:\n  source: |\n{indented(broken, 6)}")
    (problem,) = found.problems
    assert (9, 22) == (problem.line, problem.column)
    assert "dealy" == problem.excerpt[problem.column - 1 :][:5]


def test_a_scanner_error_in_a_block_is_placed_in_the_manifest() -> None:
    """Also what YAML itself can't read."""
    (found,) = check(f"{HEAD}spec:\n  source: |\n    flow:\n      name: a: b\n")
    assert (7, 14) == (found.problems[0].line, found.problems[0].column)


def test_all_flows_of_a_file_are_checked_and_other_kinds_passed_over() -> None:
    """A file may hold a TestRun and a ConfigMap beside them."""
    other = "kind: ConfigMap\napiVersion: v1\ndata: {}\n"
    both = check("---\n".join([HEAD + f"spec:\n{indented(FLOW, 2)}", other, FLOW.replace("inner", "second")]))
    assert ["inner", "second"] == [flow.name for flow in both]


def test_what_kubectl_reads_otherwise_is_a_warning_under_spec_flow() -> None:
    """Text under ``spec.source`` stays text, and is read by the engine alone."""
    (found,) = check(f"{HEAD}spec:\n{indented(FLOW + '  tags: [yes]', 2)}")
    assert (True, ["kubectl reads yes as true"]) == (found.ok, [p.message.partition(",")[0] for p in found.problems])
    (found,) = check(f"{HEAD}spec:\n  source: |\n{indented(FLOW + '  tags: [yes]', 4)}")
    assert not found.problems


def test_a_testrun_that_holds_a_flow_is_read_like_a_testflow() -> None:
    """It is what the operator will check; one that names a TestFlow says nothing of it."""
    head = HEAD.replace("TestFlow", "TestRun")
    (found,) = check(f"{head}spec:\n  source: |\n{indented(FLOW.replace('delay', 'dealy'), 4)}")
    assert [9] == [problem.line for problem in found.problems]
    named = f"{head}spec: {{flowRef: {{name: m}}}}\n"
    assert ["inner"] == [flow.name for flow in check(f"{named}---\n{FLOW}")]


@pytest.mark.parametrize(
    ("document", "line", "said"),
    [
        ("flwo:\n  name: y\n", 6, "the root key flow: is missing"),
        (f"apiVersion: {API}\nkind: Testflow\nspec: {{}}\n", 7, 'testmesh.io has no kind "Testflow"'),
        ("apiVersion: testmesh.io/v1\nkind: TestFlow\n", 6, f"a TestFlow has apiVersion: {API}"),
        ("apiVersion: testmsh.io/v1alpha1\nkind: TestFlow\n", 6, f"a TestFlow has apiVersion: {API}"),
        ("kind: TestFlow\nspec: {}\n", 6, "the root key flow: is missing"),
        (FLOW.replace("inner", "second"), 6, "a second flow: in one file, after that in line 1"),
        ("text\n", 6, "a flow file is a map with the key flow"),
    ],
)
def test_no_document_is_dropped_in_silence(document: str, line: int, said: str) -> None:
    """A mistyped key would make a flow that never runs, and a call that passes."""
    first, second = check(f"{FLOW}---\n{document}")
    assert first.ok
    assert (line, True) == (second.problems[0].line, second.problems[0].message.startswith(said))


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ("spec: {}\n", "spec has one of source, flow, flowFrom; found none"),
        (f"spec:\n  source: x\n{indented(FLOW, 2)}", "found source and flow"),
        ("spec: {source: 5}\n", "spec.source is text, found the number 5"),
        ("", "the TestFlow has no spec"),
    ],
)
def test_a_testflow_without_its_flow_says_so(spec: str, said: str) -> None:
    """With its place."""
    (found,) = check(HEAD + spec)
    assert said in found.problems[0].message
    assert found.problems[0].line


def test_a_flow_that_came_as_an_object_is_read_and_names_paths() -> None:
    """Numbers are what JSON has."""
    data = {"name": "o", "steps": [{"action": "delay", "config": {"duration": 5}}]}
    part = flow_of_object(data, name="", path="spec.flow")
    found = check_flow(part, catalogue=Registry(), outside=Outside())
    assert ["spec.flow.steps[0].config.duration"] == [problem.path for problem in found.problems]
    assert "spec.flow.steps[0].config.duration: error: " in found.problems[0].headline()


def test_a_name_in_capitals_may_still_come_with_the_run() -> None:
    """A warning with ``validate``, an error once the run is there."""
    text = FLOW.replace("1s", '"${PAUSE}"')
    (found,) = check(text)
    assert (True, ["warning"]) == (found.ok, [problem.severity.value for problem in found.problems])
    (strict,) = check_text(text, name="m", catalogue=Registry(), outside=Outside(complete=True))
    assert (False, ["unknown variable PAUSE"]) == (strict.ok, [problem.message for problem in strict.problems])


def test_what_can_be_mended_in_a_block_is_told_in_the_manifests_lines() -> None:
    """Together with all else, and with the line to paste."""
    broken = FLOW.replace("delay", "dealy").replace("inner", "@inner")
    (found,) = check(f"{HEAD}spec:\n  source: |\n{indented(broken, 6)}")
    assert [(7, 15), (9, 22)] == [(problem.line, problem.column) for problem in found.problems]
    assert "Quote it:  name: '@inner'" == found.problems[0].hint


def test_an_expression_with_a_bang_is_text_under_source_and_a_tag_under_flow() -> None:
    """Kubectl would send what stands behind it, or nothing."""
    flow = FLOW.replace("duration: 1s}", "duration: 1s}, when: !(1 == 2)")
    (found,) = check(f"{HEAD}spec:\n  source: |\n{indented(flow, 4)}")
    assert not found.problems
    (found,) = check(f"{HEAD}spec:\n{indented(flow, 2)}")
    assert "YAML reads !(1 as a tag, not as text" == found.problems[0].message
    assert not found.ok


def test_a_file_with_a_problem_has_no_flow_to_run() -> None:
    """What was most likely meant is checked, and never run."""
    (found,) = check(FLOW.replace("inner", "@inner"))
    assert (None, 1) == (found.flow, len(found.problems))
