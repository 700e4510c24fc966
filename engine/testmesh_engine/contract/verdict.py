"""The verdict: what a runner pod tells the operator in its termination message.

One ASCII line, then the packed detail (base85 of zlib of JSON)::

    TM1 <final> <result> <counts> <run uid> <attempt> <length> <crc>
    TM1 final Failed 10,8,1,1,0 6f1d0c1e-… 0 812 9f1c22ab

``final`` is ``final`` or ``partial``: the message is rewritten after each step, so that the last partial one tells how
far a killed runner came. ``counts`` is total,passed,failed,skipped,errored. ``length`` is that of the detail in bytes,
``crc`` the CRC-32 of the line up to it and of the detail. The kubelet cuts a long message without a word, at its
head or its tail, so :func:`encode` stays within the limit it is given, and :func:`judge` believes nothing else than a
whole, final message of this very run and attempt whose result agrees with the container's exit code.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
import zlib
from collections.abc import Iterator
from dataclasses import asdict, field, replace
from enum import StrEnum
from typing import Any

from testmesh_engine.contract.record import dataclass
from testmesh_engine.contract.result import Counts, Failure, Metrics, Outcome, Phase

MAX_MESSAGE_BYTES = 4096
"""A container's termination message (kubelet: MaxContainerTerminationMessageLength)."""

MAX_POD_MESSAGE_BYTES = 12288
"""All the messages of a pod together (kubelet: MaxPodTerminationMessageLogLength), shared out evenly."""

MAX_UNPACKED_BYTES = 64 * 1024
"""Unpacking stops here: a forged message must not fill the operator's memory."""

_HEADER = re.compile(
    r"TM1 (?P<final>final|partial) (?P<result>Passed|Failed|Errored|Interrupted|Running) "
    r"(?P<counts>\d+,\d+,\d+,\d+,\d+) (?P<uid>[A-Za-z0-9-]{1,64}) (?P<attempt>\d{1,6}) "
    r"(?P<length>\d{1,5}) (?P<crc>[0-9a-f]{8})",
    re.ASCII,
)
_LETTERS = {
    Outcome.PASSED: "p",
    Outcome.FAILED: "f",
    Outcome.ERRORED: "e",
    Outcome.SKIPPED: "s",
    Outcome.NOT_RUN: "n",
}
_OUTCOMES = {letter: outcome for outcome, letter in _LETTERS.items()}
_PHASES = tuple(Phase)


_UNREADABLE = (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RecursionError, zlib.error)
"""What a detail may raise that :func:`encode` never wrote, though its checksum is right."""


class Result(StrEnum):
    """What a runner can say of its run; ``Running`` stands only in partial verdicts."""

    PASSED = "Passed"
    FAILED = "Failed"
    ERRORED = "Errored"
    INTERRUPTED = "Interrupted"
    RUNNING = "Running"


EXIT_CODES: dict[Result, frozenset[int]] = {
    Result.PASSED: frozenset({0}),
    Result.FAILED: frozenset({1}),
    Result.ERRORED: frozenset({2, 3}),
    Result.INTERRUPTED: frozenset({130}),
    Result.RUNNING: frozenset(),
}
"""The exit codes of the command line that each result may come with: any other pair is no verdict."""


class VerdictError(ValueError):
    """The text is no verdict of this run; ``str()`` says why, in words for a status message."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepVerdict:
    """One step, as it stands in the resource's status."""

    id: str
    action: str
    phase: Phase
    outcome: Outcome
    duration_ms: int
    message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Everything that a runner tells of one run (contract/summary.py makes it from results).

    A run is that of one flow, or of several: one for each row of its data.
    """

    final: bool
    result: Result
    counts: Counts
    run_uid: str
    attempt: int
    duration_ms: int = 0
    steps: tuple[StepVerdict, ...] = ()
    first_failure: Failure | None = None
    metrics: Metrics = field(default_factory=Metrics)
    current: str = ""
    """The step that was under way when a partial verdict was written."""
    truncated: bool = False
    exit_code: int | None = None
    """Known after :func:`judge`, never written."""


def encode(verdict: Verdict, *, limit: int = MAX_MESSAGE_BYTES) -> bytes:
    """The message, of at most ``limit`` bytes; detail that has no room goes, that of failed steps last.

    Raises ``ValueError`` where not even the bare header fits (it takes some 130 bytes).
    """
    for candidate in _shorter_and_shorter(verdict):
        message = _message(candidate)
        if message is not None and len(message) <= limit:
            return message
    raise ValueError(f"a verdict does not fit into {limit} bytes")


def decode(text: str) -> Verdict:
    """Read a message back. Raises :class:`VerdictError` for anything that :func:`encode` did not write whole."""
    head, _, detail = text.partition("\n")
    match = _HEADER.fullmatch(head)
    if match is None:
        raise VerdictError("the termination message is no verdict" if text.strip() else "there is no verdict")
    detail = detail.rstrip("\n")
    if len(detail) != int(match["length"]):
        raise VerdictError(f"the verdict is cut: {len(detail)} of {match['length']} bytes of its detail are there")
    if _crc(head[: match.start("crc")], detail) != match["crc"]:
        raise VerdictError("the verdict's checksum is wrong")
    try:
        return _with_detail(match, _unpack(detail))
    except _UNREADABLE as error:
        raise VerdictError(f"the verdict's detail can't be read: {error}") from error


def judge(text: str, *, exit_code: int, run_uid: str, attempt: int) -> Verdict:
    """The verdict, if it can be believed: whole, final, of this run and attempt, and as the exit code says.

    Raises :class:`VerdictError` else. There is no other way to a passed run.
    """
    verdict = decode(text)
    if verdict.run_uid != run_uid:
        raise VerdictError("the verdict is that of another run")
    if verdict.attempt != attempt:
        raise VerdictError(f"the verdict is that of attempt {verdict.attempt}, not {attempt}")
    if not verdict.final:
        raise VerdictError("the runner ended before its verdict was final")
    if exit_code not in EXIT_CODES[verdict.result]:
        raise VerdictError(f"the verdict says {verdict.result.value}, the exit code {exit_code} does not")
    if verdict.result is Result.PASSED and not verdict.counts.passed:
        raise VerdictError("the verdict says Passed, and not one step has passed")
    return replace(verdict, exit_code=exit_code)


def _shorter_and_shorter(verdict: Verdict) -> Iterator[Verdict]:
    """The verdict, then ever less of it: messages first, then steps that passed, then the rest."""
    yield verdict
    for length in (400, 200, 100):
        yield _clipped(verdict, length, failure=1000)
    for kept in (None, 40, 10, 3, 0):
        bad = [step for step in verdict.steps if step.outcome in (Outcome.FAILED, Outcome.ERRORED)][:kept]
        yield _clipped(replace(verdict, steps=tuple(bad)), 100, failure=400)
    for failure, names in ((80, 120), (60, 40), (30, 10)):
        yield _clipped(replace(verdict, steps=()), 0, failure=failure, names=names)
    yield replace(verdict, steps=(), first_failure=None, current="", truncated=True)


def _clipped(verdict: Verdict, length: int, *, failure: int, names: int = 120) -> Verdict:
    first = verdict.first_failure
    return replace(
        verdict,
        steps=tuple(replace(step, message=_clip(step.message, length)) for step in verdict.steps),
        first_failure=first
        and replace(
            first, flow=_clip(first.flow, names), step=_clip(first.step, names), message=_clip(first.message, failure)
        ),
        current=_clip(verdict.current, names),
        truncated=True,
    )


def _clip(text: str, length: int) -> str:
    return text if len(text) <= length else text[: max(0, length - 1)] + "…"


def _message(verdict: Verdict) -> bytes | None:
    """The message, or ``None`` where :func:`decode` would refuse to unpack it: it may pack well and still be long."""
    counts = verdict.counts
    text = _detail_text(verdict)
    if len(text) > MAX_UNPACKED_BYTES:
        return None
    detail = base64.b85encode(zlib.compress(text, 9)).decode("ascii")
    head = (
        f"TM1 {'final' if verdict.final else 'partial'} {verdict.result.value} "
        f"{counts.total},{counts.passed},{counts.failed},{counts.skipped},{counts.errored} "
        f"{verdict.run_uid} {verdict.attempt} {len(detail)} "
    )
    return f"{head}{_crc(head, detail)}\n{detail}".encode("ascii")


def _crc(head: str, detail: str) -> str:
    # A lone surrogate or other text that is no ASCII can't be ours: it must give some other sum, never an error.
    return f"{binascii.crc32(f'{head}{detail}'.encode('utf-8', 'replace')):08x}"


def _detail(verdict: Verdict) -> dict[str, Any]:
    actions = sorted({step.action for step in verdict.steps})
    first = verdict.first_failure
    return {
        "d": verdict.duration_ms,
        "a": actions,
        "s": [
            [
                step.id,
                actions.index(step.action),
                _PHASES.index(step.phase),
                _LETTERS[step.outcome],
                step.duration_ms,
                step.message,
            ]
            for step in verdict.steps
        ],
        "f": [first.flow, first.step, first.message] if first else None,
        "m": asdict(verdict.metrics),
        "c": verdict.current,
        "t": verdict.truncated,
    }


def _with_detail(head: re.Match[str], detail: dict[str, Any]) -> Verdict:
    total, passed, failed, skipped, errored = (int(count) for count in head["counts"].split(","))
    first = detail["f"]
    return Verdict(
        final=head["final"] == "final",
        result=Result(head["result"]),
        counts=Counts(total=total, passed=passed, failed=failed, skipped=skipped, errored=errored),
        run_uid=head["uid"],
        attempt=int(head["attempt"]),
        duration_ms=int(detail["d"]),
        steps=tuple(
            StepVerdict(
                id=str(step_id),
                action=str(detail["a"][action]),
                phase=_PHASES[phase],
                outcome=_OUTCOMES[letter],
                duration_ms=int(duration),
                message=str(message),
            )
            for step_id, action, phase, letter, duration, message in detail["s"]
        ),
        first_failure=Failure(flow=str(first[0]), step=str(first[1]), message=str(first[2])) if first else None,
        metrics=Metrics(**{key: int(value) for key, value in detail["m"].items()}),
        current=str(detail["c"]),
        truncated=bool(detail["t"]),
    )


def _detail_text(verdict: Verdict) -> bytes:
    # Half a character can't be written in UTF-8, and a message may hold one: it comes out as "?".
    return json.dumps(_detail(verdict), separators=(",", ":"), ensure_ascii=False).encode("utf-8", "replace")


def _unpack(text: str) -> dict[str, Any]:
    packed = zlib.decompressobj()
    data = packed.decompress(base64.b85decode(text), MAX_UNPACKED_BYTES)
    if packed.unconsumed_tail:
        raise ValueError(f"it unpacks to more than {MAX_UNPACKED_BYTES} bytes")
    detail = json.loads(data)
    if not isinstance(detail, dict):
        raise TypeError("it is no object")
    return detail
