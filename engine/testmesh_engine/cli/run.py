"""``testmesh run``: from arguments and environment to flows, reports and an exit code."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from testmesh_engine.actions.registry import Registry
from testmesh_engine.cli.inputs import read_masks, read_text
from testmesh_engine.cli.validate import shown
from testmesh_engine.contract.result import Failure, FlowResult, Outcome
from testmesh_engine.errors import Interrupted, UsageError
from testmesh_engine.language.findings import did_you
from testmesh_engine.language.model import Flow
from testmesh_engine.language.names import Outside
from testmesh_engine.language.validate import Checked, check_text, errors_of
from testmesh_engine.report.events import FlowFinished
from testmesh_engine.report.registry import ReportOptions, Reports, open_reports, parse_targets
from testmesh_engine.runtime.builtins import Identity
from testmesh_engine.runtime.environment import Layers, parse_env_file
from testmesh_engine.runtime.flow import RunOptions
from testmesh_engine.runtime.outcome import EXIT_PLATFORM, EXIT_USAGE, worst
from testmesh_engine.runtime.present import with_hint
from testmesh_engine.runtime.run import run_flows
from testmesh_engine.runtime.signals import EXIT_INTERRUPTED, Signals

_GRACE_FOR_THE_END_SECONDS = 5.0
"""Of the pod's grace period, kept for writing the last verdict."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunArguments:
    """The arguments of ``testmesh run``; ``timeout`` in seconds."""

    paths: tuple[str, ...]
    variables: tuple[str, ...] = ()
    env_file: str | None = None
    reports: tuple[str, ...] = ()
    timeout: float | None = None
    strict: bool = False
    teardown: bool = True
    verbose: bool = False


def run_paths(arguments: RunArguments, signals: Signals) -> int:
    """Check all files, then run all flows; the exit code. One invalid file stops the whole call."""
    signals.grace = _grace(os.environ)
    try:
        return _run(arguments, os.environ, signals)
    finally:
        signals.ignore()


def _run(arguments: RunArguments, environ: Mapping[str, str], signals: Signals) -> int:
    targets = parse_targets(arguments.reports, inputs=(*arguments.paths, *filter(None, [arguments.env_file])))
    try:
        with signals.ending_at_once():
            layers = _layers(arguments, environ)
            options = _options(arguments, environ, layers)
            files = [_read(path, layers) for path in arguments.paths]
    except Interrupted as error:
        return _never_started(open_reports(targets, ReportOptions(environ=environ), console=False), arguments, error)
    checked = [flow for file in files for flow in file.flows]
    if len(checked) > 1 and any(target.kind == "verdict" for target in targets):
        raise UsageError(f"a verdict is about one flow, and there are {len(checked)}")
    problems = [problem for flow in checked for problem in errors_of(flow.problems, strict=arguments.strict)]
    if problems:
        reports = open_reports(targets, ReportOptions(environ=environ), console=False)
        _tell_invalid(reports, checked, strict=arguments.strict)
        for problem in problems:
            sys.stderr.write(f"{shown(problem).render()}\n")
        return _closed(reports, [EXIT_USAGE])
    for warning in (problem for flow in checked for problem in flow.problems if arguments.verbose):
        sys.stderr.write(f"{shown(warning).render()}\n")
    _check_variables(layers.var, [flow.flow for flow in checked if flow.flow is not None])
    reports = open_reports(targets, ReportOptions(environ=environ, verbose=arguments.verbose))
    runs = [(flow.flow, replace(options, layers=file.layers)) for file in files for flow in file.flows if flow.flow]
    ends = run_flows(runs, signals.interrupts, reports.tell)
    return _closed(reports, [end.exit_code for end in ends])


def _never_started(reports: Reports, arguments: RunArguments, error: Interrupted) -> int:
    """Reports of a call that was interrupted before its flows were known."""
    failure = Failure(flow="", step="", message=f"not started: {error}")
    file = arguments.paths[0]
    result = FlowResult(name="", file=file, outcome=Outcome.ERRORED, first_failure=failure, interrupted=True)
    reports.tell(FlowFinished(result=result))
    return _closed(reports, [EXIT_INTERRUPTED])


def _closed(reports: Reports, codes: list[int]) -> int:
    """The exit code, once every report is written; one that can't be is the platform's fault."""
    reports.close()
    for fault in reports.faults:
        sys.stderr.write(f"testmesh: {fault}\n")
    return worst([*codes, EXIT_PLATFORM] if reports.faults else codes)


def _tell_invalid(reports: Reports, checked: Iterable[Checked], *, strict: bool) -> None:
    """Reports of a call that runs nothing: each flow that is wrong, with the first thing that is."""
    for flow in checked:
        wrong = errors_of(flow.problems, strict=strict)
        if wrong:
            problem = shown(wrong[0])
            more = f" (and {len(wrong) - 1} more)" if len(wrong) > 1 else ""
            message = with_hint(f"{problem.place()}: {problem.message}{more}", problem.hint)
            failure = Failure(flow=flow.name, step="", message=message)
            result = FlowResult(name=flow.name, file=problem.file, outcome=Outcome.ERRORED, first_failure=failure)
            reports.tell(FlowFinished(result=result))


@dataclass(frozen=True, slots=True)
class _File:
    """One file of the call: its flows, and the layers with the ``.env`` beside it."""

    flows: list[Checked]
    layers: Layers


def _read(path: str, layers: Layers) -> _File:
    text = read_text(path)
    layers = replace(layers, dot_env=_dot_env(path))
    outside = Outside(names=layers.names(), process=frozenset(layers.process), complete=True)
    return _File(check_text(text, name=path, catalogue=Registry(), outside=outside), layers)


def _check_variables(given: Iterable[str], flows: Iterable[Flow]) -> None:
    """A ``--var`` that changes nothing is a mistake: most often its name is, and the run would be another one."""
    read = frozenset(name for flow in flows for name in flow.names)
    for name in given:
        if name not in read and "env" not in read:
            raise UsageError(f"--var {name}: nothing declares or reads it", hint=did_you(name, read))


def _layers(arguments: RunArguments, environ: Mapping[str, str]) -> Layers:
    run_names = _names(environ, "TESTMESH_RUN_ENV")
    env_file = arguments.env_file
    return Layers(
        var=dict(_variable(text) for text in arguments.variables),
        run={name: environ[name] for name in run_names if name in environ},
        env_file=parse_env_file(read_text(env_file), name=env_file) if env_file else {},
        process=dict(environ),
    )


def _dot_env(path: str) -> dict[str, str]:
    """The variables of ``.env`` beside the file; for standard input that of the working folder."""
    beside = Path(path).parent / ".env"
    return parse_env_file(read_text(str(beside)), name=str(beside)) if beside.is_file() else {}


def _variable(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name.isidentifier():
        # The value is not shown: it may be a secret.
        raise UsageError(f"--var {name} is no NAME=value", hint="A name has letters, digits and _, not first a digit.")
    return name, value


def _names(environ: Mapping[str, str], name: str) -> list[str]:
    return [part.strip() for part in environ.get(name, "").split(",") if part.strip()]


def _secret_env(environ: Mapping[str, str]) -> list[str]:
    return [environ[name] for name in _names(environ, "TESTMESH_SECRET_ENV") if name in environ]


def _options(arguments: RunArguments, environ: Mapping[str, str], layers: Layers) -> RunOptions:
    run_id = environ.get("RUN_ID", "") or os.urandom(16).hex()
    execution_id = environ.get("EXECUTION_ID", "") or run_id
    return RunOptions(
        identity=Identity(run_id=run_id, execution_id=execution_id, seed=execution_id),
        layers=layers,
        secrets=(*_secret_env(environ), *read_masks(environ.get("TESTMESH_MASKS", ""))),
        timeout=arguments.timeout,
        teardown=arguments.teardown,
        grace=_grace(environ),
    )


def _grace(environ: Mapping[str, str]) -> float | None:
    text = environ.get("TESTMESH_GRACE_SECONDS", "")
    if not text:
        return None
    try:
        return max(1.0, float(text) - _GRACE_FOR_THE_END_SECONDS)
    except ValueError:
        raise UsageError(f"TESTMESH_GRACE_SECONDS is a number of seconds, found {text!r}") from None
