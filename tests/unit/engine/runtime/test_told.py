"""What reports are told beside the result: that a step is tried again, and what does not count."""

from __future__ import annotations

from support.flows import Options, run
from testmesh_engine.report.events import AttemptStarted, FlowFinished, StepFinished


def test_each_further_attempt_is_told_as_it_starts() -> None:
    """A live line shows that something happens; the first attempt is the step's own start."""
    ran = run("""
        steps:
          - {id: try, action: delay, config: {duration: 1ms}, assert: [1 == 2], retry: {max_attempts: 3, delay: 1ms}}
    """)
    assert [2, 3] == [event.number for event in ran.events if isinstance(event, AttemptStarted)]
    assert isinstance(ran.events[-3], AttemptStarted)


def test_a_step_whose_failure_does_not_count_is_marked() -> None:
    """A CI system must not fail a run that has passed; a step that passed has nothing to ignore."""
    ran = run("""
        steps:
          - {id: bad, action: delay, config: {duration: 1ms}, assert: [1 == 2], on_error: ignore}
          - {id: good, action: delay, config: {duration: 1ms}, assert: [1 == 1], on_error: ignore}
    """)
    told = {event.step.id: event.step.ignored for event in ran.events if isinstance(event, StepFinished)}
    assert {"bad": True, "good": False} == told


def test_teardown_that_was_left_out_is_marked() -> None:
    """The caller asked for it."""
    text = """
        steps: [{id: a, action: delay, config: {duration: 1ms}, assert: [1 == 1]}]
        teardown: [{id: b, action: delay, config: {duration: 1ms}}]
    """
    assert run(text, Options(teardown=False)).step("b").ignored


def test_the_end_of_a_flow_names_its_exit_code() -> None:
    """The verdict on several rows needs it: an error may be the flow's or the platform's."""
    ran = run("steps: [{id: a, action: delay, config: {duration: 1ms}, assert: [1 == 2]}]")
    assert isinstance(ran.events[-1], FlowFinished)
    assert 1 == ran.events[-1].exit_code
