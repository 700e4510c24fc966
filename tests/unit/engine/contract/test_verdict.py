"""The verdict: it survives its way whole, or it is no verdict."""

from __future__ import annotations

import base64
import binascii
import json
import random
import zlib
from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from testmesh_engine.contract.result import Counts, Failure, FlowResult, Metrics, Outcome, Phase, StepResult
from testmesh_engine.contract.summary import summarise
from testmesh_engine.contract.verdict import (
    EXIT_CODES,
    MAX_UNPACKED_BYTES,
    Result,
    StepVerdict,
    Verdict,
    VerdictError,
    decode,
    encode,
    judge,
)
from unit.engine.contract.strategies import RUN_UID, verdicts

PASSED = Verdict(
    final=True,
    result=Result.PASSED,
    counts=Counts(total=2, passed=2),
    run_uid=RUN_UID,
    attempt=3,
    duration_ms=4200,
    steps=(
        StepVerdict(
            id="create_user",
            action="http_request",
            phase=Phase.STEPS,
            outcome=Outcome.PASSED,
            duration_ms=12,
            message="",
        ),
        StepVerdict(id="wait", action="delay", phase=Phase.STEPS, outcome=Outcome.PASSED, duration_ms=3000, message=""),
    ),
    metrics=Metrics(assertions=3, http_requests=1),
)


def believed(message: bytes, **changes: object) -> Verdict:
    """The judgement on a message as the operator gets it: text, whatever bytes there were."""
    asked: dict[str, object] = {"exit_code": 0, "run_uid": RUN_UID, "attempt": 3, **changes}
    return judge(message.decode("utf-8", "replace"), **asked)  # type: ignore[arg-type]  # each test gives the keyword its own type


def forged(detail: bytes) -> str:
    """A message with a right header and checksum around any detail."""
    packed = base64.b85encode(detail).decode("ascii")
    head = f"TM1 final Passed 1,1,0,0,0 {RUN_UID} 3 {len(packed)} "
    return f"{head}{binascii.crc32(f'{head}{packed}'.encode()):08x}\n{packed}"


def forged_json(detail: object) -> str:
    """The same around a detail that is packed as it should be."""
    return forged(zlib.compress(json.dumps(detail).encode()))


@given(verdicts)
def test_what_was_encoded_decodes_to_the_same(verdict: Verdict) -> None:
    """As long as there is room for all of it."""
    assert verdict == decode(encode(verdict, limit=20_000).decode("ascii"))


@given(verdicts, st.integers(min_value=512, max_value=4096))
def test_a_message_keeps_within_any_limit_and_can_be_read(verdict: Verdict, limit: int) -> None:
    """The header is never cut, whatever detail has to go."""
    message = encode(verdict, limit=limit)
    read = decode(message.decode("ascii"))
    assert len(message) <= limit
    assert (verdict.final, verdict.result, verdict.counts) == (read.final, read.result, read.counts)
    assert read.truncated or read == verdict


def noise(length: int, *, seed: int) -> str:
    """Text that no packing makes shorter."""
    made = random.Random(seed)  # noqa: S311 - the same noise in every run
    return "".join(
        chr(made.choice((made.randrange(33, 127), made.randrange(0x4E00, 0x9FFF), 0x1F600))) for _ in range(length)
    )


def with_steps(count: int, message: str) -> Verdict:
    """A failed verdict of so many steps, every third of them failed."""
    made = tuple(
        StepVerdict(
            id=f"step_{index}",
            action="http_request",
            phase=Phase.STEPS,
            outcome=Outcome.FAILED if index % 3 == 0 else Outcome.PASSED,
            duration_ms=index,
            message=message and f"{index}{message}",
        )
        for index in range(count)
    )
    first = Failure(flow="flow", step="step_0", message=message)
    return replace(PASSED, result=Result.FAILED, steps=made, first_failure=first)


@pytest.mark.parametrize("limit", [512, 1024, 4096])
@pytest.mark.parametrize(
    "message",
    ["", "x" * 100_000, noise(3000, seed=1), "\ud800\udfff" * 200, "\x00\n\r\u2028" * 100, "😀" * 5000],
    ids=["none", "packable", "noise", "surrogates", "controls", "emoji"],
)
@pytest.mark.parametrize("count", [0, 1, 40, 500])
def test_any_content_fits_and_decodes(limit: int, message: str, count: int) -> None:
    """500 steps, long messages, text that can't be packed, text that packs too well."""
    encoded = encode(with_steps(count, message), limit=limit)
    read = judge(encoded.decode("ascii"), exit_code=1, run_uid=RUN_UID, attempt=3)
    assert len(encoded) <= limit
    assert Result.FAILED is read.result


@pytest.mark.parametrize("limit", [512, 4096])
def test_why_a_run_failed_is_the_last_detail_to_go(limit: int) -> None:
    """Even where nothing can be packed."""
    verdict = with_steps(500, noise(3000, seed=2))
    first = decode(encode(verdict, limit=limit).decode("ascii")).first_failure
    assert first is not None
    assert verdict.first_failure is not None
    assert first.message[:20] == verdict.first_failure.message[:20]


def test_failed_steps_stay_where_passed_ones_have_to_go() -> None:
    """They are what one looks for."""
    read = decode(encode(with_steps(500, noise(50, seed=3))).decode("ascii"))
    assert read.steps
    assert {Outcome.FAILED} == {step.outcome for step in read.steps}
    assert read.truncated


def test_a_long_name_of_the_current_step_is_cut() -> None:
    """A partial verdict keeps within its limit too."""
    verdict = replace(PASSED, final=False, result=Result.RUNNING, current=noise(5000, seed=4))
    assert len(encode(verdict, limit=512)) <= 512


def test_a_limit_that_not_even_the_header_fits_into_is_refused() -> None:
    """Rather than exceeded."""
    with pytest.raises(ValueError, match="does not fit into 60 bytes"):
        encode(PASSED, limit=60)


@given(st.data())
def test_a_mutated_message_is_refused_or_means_the_same(data: st.DataObject) -> None:
    """Bytes changed, cut at either end, put in or taken out."""
    message = encode(PASSED)
    start = data.draw(st.integers(0, len(message)))
    end = data.draw(st.integers(start, min(len(message), start + 8)))
    mutated = message[:start] + data.draw(st.binary(max_size=8)) + message[end:]
    try:
        read = believed(mutated)
    except VerdictError:
        return
    assert replace(PASSED, exit_code=0) == read


@pytest.mark.parametrize(
    ("verdict", "written", "instead"),
    [
        (replace(PASSED, result=Result.FAILED), b"Failed", b"Passed"),
        (replace(PASSED, result=Result.INTERRUPTED), b"Interrupted", b"Passed"),
        (replace(PASSED, final=False), b"partial", b"final"),
        (replace(PASSED, attempt=2), b" 2 ", b" 3 "),
        (replace(PASSED, run_uid=RUN_UID.replace("6", "7")), b"7f1d", b"6f1d"),
        (PASSED, b" 2,2,0,0,0 ", b" 3,3,0,0,0 "),
    ],
)
def test_a_header_that_was_made_to_say_something_else_is_refused(
    verdict: Verdict, written: bytes, instead: bytes
) -> None:
    """The checksum covers it too."""
    message = encode(verdict)
    assert written in message
    with pytest.raises(VerdictError, match="checksum"):
        believed(message.replace(written, instead, 1))


@given(st.integers(min_value=0))
@example(0)
def test_a_cut_message_is_refused(length: int) -> None:
    """The kubelet cuts at the head or at the tail, without a word."""
    message = encode(PASSED)
    kept = length % len(message)
    for cut in (message[:kept], message[len(message) - kept :]):
        with pytest.raises(VerdictError):
            believed(cut)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"run_uid": "another"}, "that of another run"),
        ({"attempt": 4}, "that of attempt 3, not 4"),
        ({"exit_code": 1}, "says Passed, the exit code 1 does not"),
        ({"exit_code": 137}, "says Passed, the exit code 137 does not"),
    ],
)
def test_a_verdict_of_something_else_is_refused(changes: dict[str, object], reason: str) -> None:
    """Another run, an earlier attempt, an exit code that says otherwise."""
    with pytest.raises(VerdictError, match=reason):
        believed(encode(PASSED), **changes)


@given(verdicts, st.integers(min_value=0, max_value=255))
def test_only_a_final_verdict_with_its_own_exit_code_is_believed(verdict: Verdict, exit_code: int) -> None:
    """There is no other way to a passed run."""
    text = encode(verdict, limit=20_000).decode("ascii")
    something = verdict.result is not Result.PASSED or verdict.counts.passed
    if verdict.final and something and exit_code in EXIT_CODES[verdict.result]:
        assert verdict.result is judge(text, exit_code=exit_code, run_uid=RUN_UID, attempt=verdict.attempt).result
        return
    with pytest.raises(VerdictError):
        judge(text, exit_code=exit_code, run_uid=RUN_UID, attempt=verdict.attempt)


def test_a_pass_in_which_nothing_passed_is_refused() -> None:
    """Steps that were all skipped have proven nothing."""
    with pytest.raises(VerdictError, match="not one step has passed"):
        believed(encode(replace(PASSED, counts=Counts(total=2, skipped=2))))


def test_a_partial_verdict_is_never_a_pass() -> None:
    """Not even one that says passed."""
    with pytest.raises(VerdictError, match="ended before its verdict was final"):
        believed(encode(replace(PASSED, final=False)))


@pytest.mark.parametrize(
    "text", ["", "\n", "Killed", "TM1", "TM2 final Passed", "\x00" * 4096, "TM1 final Passed " * 300]
)
def test_other_text_is_no_verdict(text: str) -> None:
    """A log line, nothing, or another version."""
    with pytest.raises(VerdictError, match="no verdict"):
        decode(text)


@given(st.text(max_size=300))
def test_any_text_ends_in_a_verdict_or_its_error(text: str) -> None:
    """The operator never trips over what a pod says."""
    with pytest.raises(VerdictError):
        decode(text)


@given(st.binary(max_size=60))
def test_any_packed_bytes_end_in_an_error(detail: bytes) -> None:
    """Also with a right checksum."""
    with pytest.raises(VerdictError):
        decode(forged(detail))


_DETAIL: dict[str, object] = {"d": 1, "a": ["delay"], "s": [], "f": None, "m": {}, "c": "", "t": False}


@pytest.mark.parametrize(
    "detail",
    [
        [],
        {},
        {**_DETAIL, "d": float("inf")},
        {**_DETAIL, "d": "x"},
        {**_DETAIL, "d": None},
        {**_DETAIL, "m": []},
        {**_DETAIL, "m": {"unknown": 1}},
        {**_DETAIL, "m": {"retries": float("nan")}},
        {**_DETAIL, "s": [["id"]]},
        {**_DETAIL, "s": [["id", 7, 0, "p", 1, ""]]},
        {**_DETAIL, "s": [["id", 0, 9, "p", 1, ""]]},
        {**_DETAIL, "s": [["id", 0, 0, "?", 1, ""]]},
        {**_DETAIL, "s": [["id", 0, 0, [], 1, ""]]},
        {**_DETAIL, "f": ["one"]},
        {**_DETAIL, "f": 7},
    ],
)
def test_a_forged_detail_is_an_error(detail: object) -> None:
    """Whatever it holds in the place of what belongs there."""
    with pytest.raises(VerdictError):
        decode(forged_json(detail))


def test_a_deeply_nested_detail_is_an_error() -> None:
    """Python's stack is not the operator's problem."""
    with pytest.raises(VerdictError):
        decode(forged(zlib.compress(b"[" * 60_000)))


def test_an_unpack_bomb_stops_at_the_bound() -> None:
    """A few bytes must not fill the operator's memory."""
    bomb = zlib.compress(b" " * (MAX_UNPACKED_BYTES * 1000), 9)
    with pytest.raises(VerdictError, match="unpacks to more than"):
        decode(forged(bomb))


def test_a_flow_is_summed_up() -> None:
    """Final: as its outcome says. Not final: running, whatever its steps say so far."""
    step = StepResult(id="a", action="delay", phase=Phase.STEPS, outcome=Outcome.PASSED, duration_ms=1.6, message="")
    flow = FlowResult(name="f", file="f.yaml", outcome=Outcome.PASSED, duration_ms=2.4, steps=(step,))
    final = summarise(flow, final=True, run_uid=RUN_UID, attempt=0)
    assert (Result.PASSED, 2, 1) == (final.result, final.duration_ms, final.counts.passed)
    assert 2 == final.steps[0].duration_ms
    assert Result.RUNNING is summarise(flow, final=False, run_uid=RUN_UID, attempt=0, current="a").result


@pytest.mark.parametrize(
    ("outcome", "interrupted", "expected"),
    [
        (Outcome.PASSED, False, Result.PASSED),
        (Outcome.FAILED, False, Result.FAILED),
        (Outcome.ERRORED, False, Result.ERRORED),
        (Outcome.SKIPPED, False, Result.ERRORED),
        (Outcome.NOT_RUN, False, Result.ERRORED),
        (Outcome.PASSED, True, Result.INTERRUPTED),
        (Outcome.FAILED, True, Result.INTERRUPTED),
    ],
)
def test_only_a_passed_flow_that_nobody_interrupted_has_passed(
    outcome: Outcome, *, interrupted: bool, expected: Result
) -> None:
    """Everything else is something else."""
    flow = FlowResult(name="f", file="f.yaml", outcome=outcome, interrupted=interrupted)
    assert expected is summarise(flow, final=True, run_uid=RUN_UID, attempt=0).result
