"""Kafka steps inside of loops, branches and called flows, against a real broker: one run, one set of marks."""

from __future__ import annotations

from pathlib import Path

from support.flows import Options, Ran, run_flow
from support.kafka_steps import Broker
from testmesh_engine.actions.registry import Registry
from testmesh_engine.cli.inputs import FilesBeside
from testmesh_engine.contract.result import Outcome
from testmesh_engine.language.names import Outside
from testmesh_engine.language.validate import check_text
from testmesh_engine.runtime.layers import Layers

SEND = "{action: kafka_producer, config: {brokers: '${KAFKA}', topic: TOPIC, value: {n: '${N}'}}}"
SEND_ONE = SEND.replace("'${N}'", "1")
READ = "{id: got, action: kafka_consumer, config: {brokers: '${KAFKA}', topic: TOPIC, timeout: 1s}}"
LOOP = "{id: loop, action: for_each, config: {items: [1, 2], steps: [STEPS]}}"


def run(broker: Broker, folder: Path, steps: str, called: str = "") -> Ran:
    """Run ``steps``, which lie beside ``called.yaml``, on a topic that holds an old message."""
    topic = broker.topic()
    broker.publish(topic, {"n": 0})
    (folder / "called.yaml").write_text(called.replace("TOPIC", topic), encoding="utf-8")
    path = folder / "flow.yaml"
    text = f"flow:\n  name: nested\n  steps: [{steps.replace('TOPIC', topic)}]"
    path.write_text(text, encoding="utf-8")
    outside = Outside(names=frozenset({"KAFKA"}), complete=True)
    (found,) = check_text(text, name=str(path), catalogue=Registry(), outside=outside, files=FilesBeside(str(path)))
    assert found.flow is not None, "\n".join(problem.render() for problem in found.problems)
    return run_flow(found.flow, Options(layers=Layers(var={"KAFKA": broker.address})))


def test_the_second_round_of_a_loop_needs_a_message_of_its_own(broker: Broker, tmp_path: Path) -> None:
    """One reader is the step as it is written, whatever the round: what it was given once is not new again."""
    ran = run(broker, tmp_path, f"{SEND_ONE}, {LOOP.replace('STEPS', READ)}")
    assert [Outcome.PASSED, Outcome.FAILED] == [step.outcome for step in ran.step("loop").steps]
    assert "had been handed out" in ran.step("loop").message


def test_each_round_is_given_what_it_caused(broker: Broker, tmp_path: Path) -> None:
    """In turn; the old message is none of it."""
    check = "{action: assert, assert: ['got.messages[0].value.n == item']}"
    ran = run(broker, tmp_path, LOOP.replace("STEPS", f"{SEND.replace('${N}', '${item}')}, {READ}, {check}"))
    assert Outcome.PASSED == ran.result.outcome, ran.result.first_failure


def test_rounds_at_once_are_never_given_one_message_twice(broker: Broker, tmp_path: Path) -> None:
    """Of two that read, one message satisfies one."""
    both = LOOP.replace("STEPS", READ).replace("items:", "parallel: true, continue_on_error: true, items:")
    ran = run(broker, tmp_path, f"{SEND_ONE}, {both}")
    assert {Outcome.PASSED, Outcome.FAILED} == {step.outcome for step in ran.step("loop").steps}


def test_a_called_flow_has_the_marks_of_its_caller(broker: Broker, tmp_path: Path) -> None:
    """What the caller caused before the call is new to it, what was there before the run is not."""
    called = (
        f"flow:\n  name: called\n  inputs: {{topic: }}\n  output: {{n: 'got.messages[0].value.n'}}\n  steps: [{READ}]"
    )
    called = called.replace("TOPIC", "'${topic}'")
    call = "{id: call, action: run_flow, config: {flow: called.yaml, input: {topic: TOPIC}}ASSERT}"
    good = call.replace("ASSERT", ", assert: [output.n == 1]")
    ran = run(broker, tmp_path, f"{SEND_ONE}, {good}", called)
    assert Outcome.PASSED == ran.result.outcome, ran.result.first_failure
    ran = run(broker, tmp_path, call.replace("ASSERT", ""), called)
    assert Outcome.FAILED == ran.result.outcome


def test_a_condition_on_a_step_that_was_skipped_is_an_error_also_where_no_message_is_wanted(
    broker: Broker, tmp_path: Path
) -> None:
    """Nothing can be compared with it, so nothing that comes could ever be the message."""
    skipped = "{id: t, action: delay, config: {duration: 1ms}, when: '1 == 2', assert: [duration_ms >= 0]}"
    absent = READ.replace("timeout: 1s", "timeout: 1s, absent: true, match: {where: value.n == t.duration_ms}")
    ran = run(broker, tmp_path, f"{skipped}, {SEND_ONE}, {absent}")
    assert Outcome.ERRORED == ran.step("got").outcome
    assert "t has no value" in ran.step("got").message
