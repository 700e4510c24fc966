"""How the steps inside of a container are read: which names they know, which they give, and what is refused."""

from __future__ import annotations

import pytest

from testmesh_engine.actions.registry import Registry
from testmesh_engine.contract.problem import Severity
from testmesh_engine.language.model import Flow, every_step
from testmesh_engine.language.names import Outside
from testmesh_engine.language.validate import Checked, check_text

GET = "action: http_request, config: {url: 'http://h/'}, assert: [status == 200]"


def checked(steps: str) -> Checked:
    """The flow of these steps, each line one."""
    text = f"flow:\n  name: x\n  env: {{N: 3}}\n  steps:\n{steps}"
    (found,) = check_text(text, name="f.yaml", catalogue=Registry(), outside=Outside(complete=True))
    return found


def flow(steps: str) -> Flow:
    """The same, which has no errors."""
    found = checked(steps)
    assert found.flow is not None, "\n".join(problem.render() for problem in found.problems)
    return found.flow


def errors(steps: str) -> list[str]:
    """What is wrong with it, each with its hint."""
    return [
        f"{problem.message} {problem.hint}".strip()
        for problem in checked(steps).problems
        if problem.severity is Severity.ERROR
    ]


def each(steps: str, more: str = "") -> str:
    """A loop with these steps."""
    return f"    - {{id: loop, action: for_each, config: {{items: [1], steps: [{steps}]{more}}}}}\n"


def parallel(*branches: str) -> str:
    """Branches, each a list of steps."""
    return f"    - {{id: both, action: parallel, config: {{steps: [{', '.join(branches)}]}}}}\n"


def test_nested_steps_are_shown_within_their_step_and_found_wherever_they_stand() -> None:
    """What prepares a run looks through all of them, in the order of the text."""
    inner = f"{{action: for_each, config: {{items: [1], steps: [{{id: deep, {GET}}}]}}}}"
    found = flow(each(f"{{{GET}}}, {inner}") + parallel(f"{{id: a, {GET}}}", f"{{name: b, steps: [{{{GET}}}]}}"))
    assert [
        *("loop", "loop/http_request_1", "loop/for_each_1", "loop/for_each_1/deep"),
        *("both", "both/a", "both/b/http_request_1"),
    ] == [step.shown for step in every_step(found.steps)]
    assert [("a",), ("b",)] == [(nested.name,) for nested in found.steps[1].nested]


@pytest.mark.parametrize(
    ("steps", "said"),
    [
        (each(f"{{{GET}, when: itm == 1}}"), 'unknown variable itm Did you mean "item"?'),
        (each(f"{{{GET}}}") + f"    - {{{GET}, when: item == 1}}", "unknown variable item"),
        (each(f"{{id: a, {GET}}}") + f"    - {{id: a, {GET}}}", 'the id "a" is taken by the step in line 5'),
        (each(f"{{id: item, {GET}}}"), '"item" can\'t be an id'),
        (each(f"{{{GET}, output: {{item: status}}}}"), "output item is called like a name of the loop around it"),
        (each(f"{{{GET}}}", ", item_name: N"), "N can't be a name of the loop: it is a variable of the flow"),
        (each(f"{{{GET}}}", ", item_name: UUID"), "UUID can't be a name of the loop: it is built in"),
        (each(f"{{{GET}}}", ", as: 'a b'"), "as is the name of a variable: letters, digits and _"),
        (each(f"{{{GET}}}", ", as: x, index_name: x"), "the item and its index can't both be called x"),
        (each(""), "steps is empty"),
        ("    - {action: condition, then: [{action: delay}]}", 'a step has no key "then" Write then under config.'),
        (f"    - {{{GET}, when: a.status == 1}}\n" + each(f"{{id: a, {GET}}}"), "the id of a step further below"),
        (f"    - {{{GET}, output: {{a: status}}}}\n" + each(f"{{id: a, {GET}}}"), "output a is called like the step a"),
        ("    - {action: for_each, config: {items: [1]}}", 'for_each needs "steps"'),
        (each(f"{{{GET}}}", ", max_concurrent: 0"), "max_concurrent is a whole number from 1 on"),
        (each("{action: http_reqest}"), 'unknown action "http_reqest"'),
        (
            each(f"{{id: a, {GET}, output: {{x: status}}}}", ", parallel: true") + f"    - {{{GET}, when: x == 1}}",
            "unknown variable x The rounds of loop run at once and leave no names behind: read loop.items[0].a.",
        ),
        (
            parallel(f"{{id: a, {GET}}}", f"{{{GET}, when: a.status == 1}}"),
            "unknown variable a Another branch of both gives it. It runs at the same time.",
        ),
        (
            parallel(f"{{{GET}, output: {{x: status}}}}", f"[{{{GET}, output: {{x: status}}}}]"),
            "x is captured by two branches: which of them comes last is chance",
        ),
        (parallel("nonsense"), "a branch is a step or a list of steps, found text"),
        ("    - {action: parallel, config: {branches: {}}}", "steps is empty"),
        (
            f"    - {{id: c, action: condition, config: {{if: N > 1, then: [{{id: a, {GET}}}], ELSE}}}}".replace(
                "ELSE", f"else: [{{{GET}, when: a.status == 1}}]"
            ),
            "Another branch of c gives it. Only one of the two runs.",
        ),
        ("    - {action: condition, config: {if: N > 1, then: []}}", "then is empty"),
        ("    - {action: condition, config: {if: 'true', then: [{action: delay}]}}", 'delay needs "duration"'),
    ],
)
def test_what_is_wrong_inside_of_a_container_is_an_error_before_the_run(steps: str, said: str) -> None:
    """At its own place, with the names that are known there."""
    assert [] != [error for error in errors(steps) if said in error], errors(steps)


def test_a_nested_step_that_asserts_nothing_is_warned_of() -> None:
    """A container asserts nothing itself: what it is for stands inside."""
    found = checked(each("{action: http_request, config: {url: 'http://h/'}}"))
    warned = [problem.message for problem in found.problems if "never used" not in problem.message]
    assert ["this http_request step asserts nothing"] == warned


def test_what_one_branch_of_a_condition_gives_may_be_given_by_the_other_too() -> None:
    """One of them runs, and the steps below read what it gave."""
    branch = f"[{{{GET}, output: {{x: status}}}}]"
    text = f"    - {{action: condition, config: {{if: N > 1, then: {branch}, else: {branch}}}}}\n"
    assert flow(f"{text}    - {{{GET}, when: x == 1}}")


def test_a_loop_in_a_loop_may_have_the_same_names() -> None:
    """The inner one is meant."""
    assert flow(each(f"{{action: for_each, config: {{items: [1], steps: [{{{GET}, when: index == 0}}]}}}}"))
