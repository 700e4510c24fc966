"""``testmesh run``: from arguments and environment to flows, reports and an exit code."""

from __future__ import annotations

import os
import sys
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from testmesh_engine.actions.registry import Registry
from testmesh_engine.cli.inputs import read_text
from testmesh_engine.cli.validate import shown
from testmesh_engine.errors import UsageError
from testmesh_engine.language.model import Flow
from testmesh_engine.language.names import Outside
from testmesh_engine.language.validate import Checked, check_text, errors_of
from testmesh_engine.report.registry import ReportOptions, Target, open_reports
from testmesh_engine.runtime.builtins import Identity
from testmesh_engine.runtime.environment import Layers, parse_env_file
from testmesh_engine.runtime.flow import RunOptions
from testmesh_engine.runtime.outcome import EXIT_PLATFORM, EXIT_USAGE, worst
from testmesh_engine.runtime.run import run_flows

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


def run_paths(arguments: RunArguments) -> int:
    """Check all files, then run all flows; the exit code. One invalid file stops the whole call."""
    environ = os.environ
    targets = [Target.parse(text) for text in arguments.reports]
    layers = _layers(arguments, environ)
    flows = _checked_flows(arguments, layers)
    if flows is None:
        return EXIT_USAGE
    if len(flows) > 1 and any(target.kind == "verdict" for target in targets):
        raise UsageError(f"a verdict is about one flow, and there are {len(flows)}")
    reports = open_reports(targets, ReportOptions(environ=environ, verbose=arguments.verbose))
    ends = run_flows(flows, _options(arguments, environ, layers), reports.tell)
    reports.close()
    for fault in reports.faults:
        sys.stderr.write(f"testmesh: {fault}\n")
    codes = [end.exit_code for end in ends]
    return worst([*codes, EXIT_PLATFORM] if reports.faults else codes)


def _checked_flows(arguments: RunArguments, layers: Layers) -> list[Flow] | None:
    """The flows of all files, or ``None`` after printing what is wrong with them."""
    outside = Outside(names=layers.names(), process=frozenset(os.environ), complete=True)
    checked = [
        flow
        for path in arguments.paths
        for flow in check_text(read_text(path), name=path, catalogue=Registry(), outside=outside)
    ]
    problems = [problem for flow in checked for problem in errors_of(flow.problems, strict=arguments.strict)]
    for problem in problems:
        sys.stderr.write(f"{shown(problem).render()}\n")
    return None if problems else _flows(checked)


def _flows(checked: Iterable[Checked]) -> list[Flow]:
    return [flow.flow for flow in checked if flow.flow is not None]


def _layers(arguments: RunArguments, environ: Mapping[str, str]) -> Layers:
    run_names = _names(environ, "TESTMESH_RUN_ENV")
    env_file = arguments.env_file
    return Layers(
        var=dict(_variable(text) for text in arguments.variables),
        run={name: environ[name] for name in run_names if name in environ},
        env_file=parse_env_file(read_text(env_file), name=env_file) if env_file else {},
        process=dict(environ),
        dot_env=_dot_env(arguments.paths),
    )


def _dot_env(paths: Iterable[str]) -> dict[str, str]:
    """``.env`` beside the first flow; flows of several folders are several calls."""
    beside = Path(next(iter(paths))).parent / ".env"
    return parse_env_file(read_text(str(beside)), name=str(beside)) if beside.is_file() else {}


def _variable(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name.isidentifier():
        raise UsageError(f"--var {text} is no NAME=value")
    return name, value


def _names(environ: Mapping[str, str], name: str) -> list[str]:
    return [part.strip() for part in environ.get(name, "").split(",") if part.strip()]


def _options(arguments: RunArguments, environ: Mapping[str, str], layers: Layers) -> RunOptions:
    run_id = environ.get("RUN_ID", "") or str(uuid.uuid4())
    execution_id = environ.get("EXECUTION_ID", "") or run_id
    return RunOptions(
        identity=Identity(run_id=run_id, execution_id=execution_id, seed=execution_id),
        layers=layers,
        secrets=tuple(environ[name] for name in _names(environ, "TESTMESH_SECRET_ENV") if name in environ),
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
