"""Runs the steps inside of a container: round after round, or several at once, and says what they come to."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import field, replace

from testmesh_engine.actions.base import Counters, Result, Round
from testmesh_engine.actions.waiting import Deadline
from testmesh_engine.contract.record import dataclass
from testmesh_engine.contract.result import Outcome, Phase
from testmesh_engine.errors import NothingRanError, PlatformError, ServiceError, TestMeshError, UsageError
from testmesh_engine.language.model import Step, every_step
from testmesh_engine.runtime.outcome import StepRecord
from testmesh_engine.runtime.scope import Memory
from testmesh_engine.runtime.surroundings import Surroundings

RunSteps = Callable[[Iterable[Step], Surroundings], list[StepRecord]]

_WITHOUT_RUN = frozenset({Outcome.SKIPPED, Outcome.NOT_RUN})
_NAMED_REASONS = 3


@dataclass(slots=True)
class Inside:
    """What ran inside of one attempt of a container; ``cause`` is the step, as it is shown, that made it fail."""

    records: list[StepRecord] = field(default_factory=list)
    cause: str = ""


@dataclass(frozen=True, slots=True)
class _Ended:
    """A round that has ended: the records and results of its steps, and the memory that it ran with."""

    round: Round
    steps: tuple[Step, ...]
    records: list[StepRecord]
    memory: Memory
    results: Result

    @property
    def bad(self) -> bool:
        return any(record.bad for record in self.records)


class NestedRun:
    """The steps inside of ``step`` for one attempt of it, which ``deadline`` bounds; notes them in ``inside``."""

    def __init__(
        self, step: Step, around: Surroundings, *, deadline: Deadline, inside: Inside, run_steps: RunSteps
    ) -> None:
        self._step = step
        self._around = replace(around, deadline=deadline, trying=lambda _: None)
        self._inside = inside
        self._run_steps = run_steps
        self._lists = {each.name: each.steps for each in step.nested}
        self._kept = frozenset(around.memory.captured)
        self.in_steps = around.phase is Phase.STEPS

    @property
    def lists(self) -> tuple[str, ...]:
        """The lists that it has, in the order of the text."""
        return tuple(self._lists)

    def run(self, rounds: Sequence[Round], *, at_once: int = 1, go_on: bool = False) -> list[Result]:
        """Run ``rounds``, as :class:`testmesh_engine.actions.base.Nested` says."""
        go_on = go_on or self._around.phase is Phase.TEARDOWN
        if at_once > 1 and len(rounds) > 1:
            ended = self._at_once(rounds, at_once, go_on=go_on)
        else:
            ended = self._one_by_one(rounds, go_on=go_on)
        self._around.interrupt.check()
        self._judge(ended, len(rounds))
        return [each.results for each in ended]

    def _one_by_one(self, rounds: Iterable[Round], *, go_on: bool) -> list[_Ended]:
        ended: list[_Ended] = []
        for each in rounds:
            memory = self._around.memory
            ended.append(self._round(each, replace(self._around, memory=memory.inside(each.names))))
            memory.error = ended[-1].memory.error
            self._inside.records.extend(ended[-1].records)
            if self._over(ended[-1], go_on=go_on):
                break
        return ended

    def _at_once(self, rounds: Sequence[Round], at_once: int, *, go_on: bool) -> list[_Ended]:
        workers = [_Worker(self._around) for _ in range(min(at_once, len(rounds)))]
        ended = _Rounds(self._apart, rounds, lambda one: self._over(one, go_on=go_on)).run(workers)
        for worker in workers:
            self._around.counters.add(worker.counters)
        for each in ended:
            self._inside.records.extend(each.records)
        self._leave(ended)
        return ended

    def _over(self, ended: _Ended, *, go_on: bool) -> bool:
        """Whether no further round is to be started."""
        return (ended.bad and not go_on) or self._around.deadline.passed or self._around.interrupt.is_set()

    def _apart(self, each: Round, worker: _Worker) -> _Ended:
        memory = self._around.memory.apart().inside(each.names)
        around = replace(self._around, memory=memory, connections=worker.connections, counters=worker.counters)
        return self._round(each, around)

    def _round(self, each: Round, around: Surroundings) -> _Ended:
        steps = self._lists[each.steps]
        if each.label:
            old = f"{self._step.shown}/"
            steps = tuple(_called(step, old, f"{old}{each.label}/") for step in steps)
        around.memory.begin_round(every_step(steps), kept=self._kept)
        around.masker.learn_variables(each.names)
        records = self._run_steps(steps, around)
        return _Ended(each, steps, records, around.memory, _results(steps, records, around.memory))

    def _leave(self, ended: Iterable[_Ended]) -> None:
        """What rounds that ran at once leave behind: those of branches all, the rounds of one list nothing."""
        memory, listed = self._around.memory, list(ended)
        for each in listed:
            if len({one.round.steps for one in listed}) == len(listed):
                memory.take_over(each.memory, every_step(each.steps))
            else:
                why = f"the rounds of {self._step.shown} ran at once: read it of {self._step.shown}.items"
                memory.leave_out(every_step(each.steps), why, kept=self._kept)

    def _judge(self, ended: Sequence[_Ended], wanted: int) -> None:
        """Raise what went wrong: failed before errored, as for a flow, and what ran before what did not."""
        bad = [(each, record) for each in ended for record in each.records if record.bad]
        if bad:
            each, record = min(bad, key=lambda pair: _weight(pair[1]))
            raise self._failure(each, record, left=wanted - len(ended))
        outcomes = {record.result.outcome for each in ended for record in each.records}
        if outcomes <= _WITHOUT_RUN:
            raise NothingRanError(f"none of its steps was run: {'; '.join(self._reasons(ended))}")
        if Outcome.PASSED not in outcomes and self.in_steps:
            raise ServiceError(f"none of its steps has passed: {'; '.join(self._reasons(ended))}", kind="assertion")

    def _failure(self, each: _Ended, record: StepRecord, *, left: int) -> TestMeshError:
        result = record.result
        self._inside.cause = record.cause or result.id
        name = result.id.removeprefix(f"{self._step.shown}/").removeprefix(f"{each.round.label}/")
        told = f"{each.round.told}, {name}" if each.round.told else name
        lead = "was not run: " if result.outcome is Outcome.NOT_RUN else ""
        more = f" ({left} more {'round was' if left == 1 else 'rounds were'} not started)" if left else ""
        message = f"{told}: {lead}{result.message}{more}"
        if record.counts_as is Outcome.FAILED:
            return ServiceError(message, kind=record.kind or "assertion")
        if record.kind == "variable_error":
            return UsageError(message)
        return PlatformError(message, kind=record.kind or "engine_error")

    def _reasons(self, ended: Iterable[_Ended]) -> Iterator[str]:
        results = [record.result for each in ended for record in each.records]
        for result in results[:_NAMED_REASONS]:
            yield f"{result.id.removeprefix(f'{self._step.shown}/')}: {result.message}"
        if len(results) > _NAMED_REASONS:
            yield f"and {len(results) - _NAMED_REASONS} more"


def _results(steps: Sequence[Step], records: Sequence[StepRecord], memory: Memory) -> Result:
    """What the steps that ran gave, by their ids."""
    pairs = zip(steps, records, strict=True)
    ran = [step.id for step, record in pairs if step.id and record.result.outcome not in _WITHOUT_RUN]
    return {step_id: memory.steps[step_id] for step_id in ran if step_id in memory.steps}


def _weight(record: StepRecord) -> tuple[bool, bool]:
    return record.result.outcome is Outcome.NOT_RUN, record.counts_as is not Outcome.FAILED


def _called(step: Step, old: str, new: str) -> Step:
    """``step`` and all inside of it, shown with the number of a round."""
    return replace(
        step,
        shown=f"{new}{step.shown.removeprefix(old)}",
        written=step.written or step.shown,
        error_steps=tuple(_called(inner, old, new) for inner in step.error_steps),
        nested=tuple(
            replace(each, steps=tuple(_called(inner, old, new) for inner in each.steps)) for each in step.nested
        ),
    )


class _Worker:
    """What one thread keeps for its rounds: connections of its own, and what they count."""

    def __init__(self, around: Surroundings) -> None:
        self.counters = Counters()
        self.connections = around.connections.beside()


class _Rounds:
    """Rounds in threads: each takes the next one, in their order, until ``over`` says of one that it is the last."""

    def __init__(
        self, run: Callable[[Round, _Worker], _Ended], rounds: Sequence[Round], over: Callable[[_Ended], bool]
    ) -> None:
        self._run = run
        self._left = list(enumerate(rounds))
        self._over = over
        self._ended: dict[int, _Ended] = {}
        self._lock = threading.Lock()
        self._broken: list[Exception] = []

    def run(self, workers: Iterable[_Worker]) -> list[_Ended]:
        """All that were run, in their order. Raises what broke one of them."""
        name = threading.current_thread().name
        threads = [
            threading.Thread(target=self._work, args=(worker,), name=f"{name}-{number}", daemon=True)
            for number, worker in enumerate(workers)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if self._broken:
            raise self._broken[0]
        return [self._ended[number] for number in sorted(self._ended)]

    def _work(self, worker: _Worker) -> None:
        try:
            while (taken := self._take()) is not None:
                self._ended[taken[0]] = ended = self._run(taken[1], worker)
                if self._over(ended):
                    self._stop()
        except Exception as error:  # noqa: BLE001 - our own bug: it is raised where the container runs
            self._broken.append(error)
            self._stop()
        finally:
            worker.connections.close()

    def _take(self) -> tuple[int, Round] | None:
        with self._lock:
            return self._left.pop(0) if self._left else None

    def _stop(self) -> None:
        with self._lock:
            self._left.clear()
