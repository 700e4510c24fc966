"""The kinds of arguments that the commands take, and the options that ``run`` and ``watch`` share."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click
from click.shell_completion import CompletionItem

from testmesh_engine.contract.duration import parse_duration
from testmesh_engine.runtime.signals import Signals

if TYPE_CHECKING:
    from testmesh_engine.cli.run import RunArguments


class DurationType(click.ParamType[float]):
    """``30s`` or ``2m``, as seconds."""

    name = "duration"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """The seconds; no time at all is refused."""
        if isinstance(value, float):
            return value
        try:
            seconds = parse_duration(str(value))
        except ValueError as error:
            self.fail(str(error), param, ctx)
        if not seconds:
            self.fail(f"{value} leaves no time; write for example 5m", param, ctx)
        return seconds


class ReportType(click.ParamType[str]):
    """``KIND=FILE``; the kinds are completed, and after them the file."""

    name = "report"

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:  # noqa: ARG002 - click's own
        """``json=`` and so on."""
        from testmesh_engine.report.registry import KINDS  # noqa: PLC0415 - only completion needs it

        kind, equals, file = incomplete.partition("=")
        if equals:
            return [CompletionItem(file, type="file")]
        return [CompletionItem(f"{name}=") for name in KINDS if name.startswith(kind)]


class ActionType(click.ParamType[str]):
    """The name of an action."""

    name = "action"

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:  # noqa: ARG002 - click's own
        """The actions that there are."""
        from testmesh_engine.actions.registry import Registry  # noqa: PLC0415 - only completion needs it

        return [CompletionItem(name) for name in Registry().names() if name.startswith(incomplete)]


PATHS = click.argument("paths", nargs=-1, required=True, metavar="PATH…", type=click.Path(allow_dash=True))
STRICT = click.option("--strict", is_flag=True, help="Warnings count as errors.")

_RUN_OPTIONS = (
    PATHS,
    click.option("--var", "variables", multiple=True, metavar="K=V", help="Set a variable; the highest of all layers."),
    click.option(
        "--env-file",
        "env_files",
        multiple=True,
        metavar="FILE",
        type=click.Path(),
        help="Variables from a file of NAME=value lines; of several files the last one wins.",
    ),
    click.option(
        "--tag",
        "tags",
        multiple=True,
        metavar="TAG",
        help="Only flows that have one of these tags; '!TAG' leaves out those that have it.",
    ),
    click.option("--suite", "suites", multiple=True, metavar="NAME", help="Only flows of one of these suites."),
    click.option(
        "--parallel",
        type=click.IntRange(min=1),
        default=1,
        metavar="N",
        help="How many flows run at once; 1. Flows with the same exclusive never do.",
    ),
    click.option("--fail-fast", is_flag=True, help="Start no further flow once one has failed."),
    click.option(
        "--report",
        "reports",
        multiple=True,
        metavar="KIND=FILE",
        type=ReportType(),
        help="console, html, json, jsonl, junit, markdown, verdict; - is stdout.",
    ),
    click.option("--seed", metavar="TEXT", help="Repeat the random values of a run: the seed that it told."),
    click.option("--timeout", type=DurationType(), help="Bounds setup and steps of all flows together: 5m."),
    STRICT,
    click.option(
        "--no-teardown",
        "teardown",
        is_flag=True,
        flag_value=False,
        default=True,
        help="Leave everything as it was at the end, to look at it.",
    ),
    click.option("-v", "--verbose", is_flag=True, help="Requests and responses of all steps, warnings, tracebacks."),
)


def takes_run_arguments(command: Callable[[Signals, RunArguments], None]) -> Callable[..., None]:
    """A command with the options of a run, which it gets as one value."""

    def collected(signals: Signals, **given: Any) -> None:
        from testmesh_engine.cli.run import RunArguments  # noqa: PLC0415 - help and completion need none of it

        command(signals, RunArguments(**given))

    collected.__name__, collected.__doc__ = command.__name__, command.__doc__
    decorated: Callable[..., None] = click.pass_obj(collected)
    for option in reversed(_RUN_OPTIONS):
        decorated = option(decorated)
    return decorated
