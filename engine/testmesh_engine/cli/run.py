"""``testmesh run``: from arguments and environment to flows, reports and an exit code."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from testmesh_engine.cli.files import CheckedFile, CheckedFiles, check_files
from testmesh_engine.cli.inputs import read_dot_env
from testmesh_engine.cli.selection import Selection
from testmesh_engine.cli.settings import grace_of, identity_of, layers_of, secret_names_of, secrets_of
from testmesh_engine.cli.validate import problems_of
from testmesh_engine.contract.problem import Problem
from testmesh_engine.contract.record import dataclass
from testmesh_engine.contract.result import Failure, FlowResult, Outcome
from testmesh_engine.errors import Interrupted, UsageError
from testmesh_engine.language.findings import did_you
from testmesh_engine.language.model import Flow, rows_of
from testmesh_engine.language.names import Outside
from testmesh_engine.language.validate import Checked, errors_of
from testmesh_engine.report.events import FlowFinished
from testmesh_engine.report.registry import ReportOptions, Reports, Target, open_reports, parse_targets
from testmesh_engine.runtime.flow import FlowEnd, RunOptions
from testmesh_engine.runtime.layers import Layers
from testmesh_engine.runtime.outcome import EXIT_PLATFORM, EXIT_USAGE, worst
from testmesh_engine.runtime.present import with_hint
from testmesh_engine.runtime.run import Plan, left_out, run_flows
from testmesh_engine.runtime.signals import EXIT_INTERRUPTED, Signals


@dataclass(frozen=True, slots=True, kw_only=True)
class RunArguments:
    """The arguments of ``testmesh run``; ``timeout`` in seconds. A tag with ``!`` before it leaves flows out."""

    paths: tuple[str, ...]
    variables: tuple[str, ...] = ()
    env_files: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    suites: tuple[str, ...] = ()
    parallel: int = 1
    reports: tuple[str, ...] = ()
    seed: str | None = None
    timeout: float | None = None
    strict: bool = False
    fail_fast: bool = False
    teardown: bool = True
    verbose: bool = False


def run_paths(arguments: RunArguments, signals: Signals) -> int:
    """Check all files, then run all flows; the exit code. One invalid file stops the whole call."""
    signals.grace = grace_of(os.environ)
    try:
        return run_call(arguments, os.environ, signals)[0]
    finally:
        signals.ignore()


def run_call(arguments: RunArguments, environ: Mapping[str, str], signals: Signals) -> tuple[int, list[CheckedFile]]:
    """The same, once or again and again: the exit code, and the files that were read.

    Raises ``UsageError`` where the call itself is wrong.
    """
    targets = parse_targets(arguments.reports, inputs=(*arguments.paths, *arguments.env_files))
    selection = Selection.of(arguments.tags, arguments.suites)
    try:
        with signals.ending_at_once():
            layers = _Layers(arguments, environ)
            options = RunOptions(
                identity=identity_of(arguments.seed, environ),
                secrets=secrets_of(environ),
                secret_names=secret_names_of(environ),
                teardown=arguments.teardown,
                strict=arguments.strict,
                grace=signals.grace,
            )
            checked = check_files(arguments.paths, layers.outside_of)
    except Interrupted as error:
        return _never_started(targets, arguments, environ, error), []
    parse_targets(arguments.reports, inputs=[file.path for file in checked.files])
    call = _Call(arguments, environ, targets, checked)
    if call.problems:
        return call.refuse(selection, options), [*checked.files]
    _check_variables(layers.common.var, [flow.flow for flow in checked.flows() if flow.flow])
    runs = [
        (run, replace(options, layers=layers.of(file.path), skippable=not file.named))
        for file, flow in call.picked(selection)
        for run in rows_of(flow)
    ]
    return call.run(runs, signals), [*checked.files]


class _Layers:
    """The variables from outside: those of the call, with those of the ``.env`` beside each file."""

    def __init__(self, arguments: RunArguments, environ: Mapping[str, str]) -> None:
        self.common = layers_of(arguments.variables, arguments.env_files, environ)
        self._by_path: dict[str, Layers] = {}

    def of(self, path: str) -> Layers:
        """Those for the file at ``path``."""
        if path not in self._by_path:
            self._by_path[path] = replace(self.common, dot_env=read_dot_env(path))
        return self._by_path[path]

    def outside_of(self, path: str) -> Outside:
        """Their names: in a run there will be no others."""
        layers = self.of(path)
        return Outside(names=layers.names(), process=frozenset(layers.process), complete=True)


class _Call:
    """One call whose files are checked: its reports, and what becomes of its flows."""

    def __init__(
        self, arguments: RunArguments, environ: Mapping[str, str], targets: Sequence[Target], checked: CheckedFiles
    ) -> None:
        self._arguments = arguments
        self._environ = environ
        self._targets = targets
        self._checked = checked
        self.problems = [problem for flow in checked.flows() for problem in self._errors_of(flow)]

    def _errors_of(self, flow: Checked) -> tuple[Problem, ...]:
        return errors_of(problems_of(flow), strict=self._arguments.strict)

    def refuse(self, selection: Selection, options: RunOptions) -> int:
        """Nothing runs: print all problems; reports hear of the first of each flow, and of those that are right."""
        reports = open_reports(self._targets, ReportOptions(environ=self._environ), console=False)
        wrong = [(flow, found) for flow in self._checked.flows() if (found := self._errors_of(flow))]
        left = [flow.flow for flow in self._checked.flows() if flow.flow and not self._errors_of(flow)]
        reason = f"not run: {wrong[0][1][0].place()} is wrong"
        results = [_invalid(flow, found) for flow, found in wrong]
        results += [left_out(run, options, reason) for flow in left if selection.picks(flow) for run in rows_of(flow)]
        for number, result in enumerate(results):
            reports.tell(FlowFinished(result=result, exit_code=EXIT_USAGE, flow=number))
        for problem in self.problems:
            sys.stderr.write(f"{problem.render()}\n")
        count = sum(1 for _ in self._checked.flows())
        if count > 1:
            sys.stderr.write(f"testmesh: nothing was run: {len(wrong)} of {count} flows can't be\n")
        return _closed(reports, [EXIT_USAGE])

    def picked(self, selection: Selection) -> list[tuple[CheckedFile, Flow]]:
        """The flows that are run, each with its file. Raises ``UsageError`` where there are none."""
        flows = [(file, checked.flow) for file in self._checked.files for checked in file.flows if checked.flow]
        picked = [(file, flow) for file, flow in flows if selection.picks(flow)]
        if not picked:
            raise selection.complaint([flow for _, flow in flows])
        if len(picked) > 1 and any(target.kind == "verdict" for target in self._targets):
            raise UsageError(f"a verdict is about one flow, and there are {len(picked)}")
        return picked

    def run(self, runs: Sequence[tuple[Flow, RunOptions]], signals: Signals) -> int:
        """Run them; the exit code."""
        arguments = self._arguments
        if arguments.verbose:
            self._say_warnings()
        options = ReportOptions(
            environ=self._environ, verbose=arguments.verbose, flows=len(runs), parallel=arguments.parallel
        )
        reports = open_reports(self._targets, options)
        plan = Plan(parallel=arguments.parallel, fail_fast=arguments.fail_fast, timeout=arguments.timeout)
        return _closed(reports, _codes(run_flows(runs, signals.interrupts, reports.tell, plan=plan)))

    def _say_warnings(self) -> None:
        for problem in (problem for flow in self._checked.flows() for problem in problems_of(flow)):
            sys.stderr.write(f"{problem.render()}\n")
        if said := self._checked.said_of_passed_over():
            sys.stderr.write(f"{said}\n")


def _codes(ends: Iterable[FlowEnd]) -> list[int]:
    """The exit codes that count: a flow that was skipped does not, unless all were, which is nothing to run."""
    return [end.exit_code for end in ends if end.result.outcome is not Outcome.SKIPPED] or [EXIT_USAGE]


def _never_started(
    targets: Sequence[Target], arguments: RunArguments, environ: Mapping[str, str], error: Interrupted
) -> int:
    """Reports of a call that was interrupted before its flows were known."""
    reports = open_reports(targets, ReportOptions(environ=environ), console=False)
    failure = Failure(flow="", step="", message=f"not started: {error}")
    file = arguments.paths[0]
    result = FlowResult(name="", file=file, outcome=Outcome.ERRORED, first_failure=failure, interrupted=True)
    reports.tell(FlowFinished(result=result, exit_code=EXIT_INTERRUPTED))
    return _closed(reports, [EXIT_INTERRUPTED])


def _closed(reports: Reports, codes: list[int]) -> int:
    """The exit code, once every report is written; one that can't be is the platform's fault."""
    reports.close()
    for fault in reports.faults:
        sys.stderr.write(f"testmesh: {fault}\n")
    return worst([*codes, EXIT_PLATFORM] if reports.faults else codes)


def _invalid(flow: Checked, wrong: Sequence[Problem]) -> FlowResult:
    """The result of a flow that is not run, with the first thing that is wrong with it."""
    problem = wrong[0]
    more = f" (and {len(wrong) - 1} more)" if len(wrong) > 1 else ""
    message = with_hint(f"{problem.place()}: {problem.message}{more}", problem.hint)
    failure = Failure(flow=flow.name, step="", message=message)
    return FlowResult(name=flow.name, file=problem.file, outcome=Outcome.ERRORED, first_failure=failure)


def _check_variables(given: Iterable[str], flows: Iterable[Flow]) -> None:
    """A ``--var`` that changes nothing is a mistake: most often its name is, and the run would be another one."""
    read = frozenset(name for flow in flows for name in flow.names)
    for name in given:
        if name not in read and "env" not in read:
            raise UsageError(f"--var {name}: nothing declares or reads it", hint=did_you(name, read))
