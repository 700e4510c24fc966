"""The words of the command line."""

from __future__ import annotations

import click

from testmesh_engine.cli.commands import cli
from testmesh_engine.cli.run import RunArguments
from testmesh_engine.report.registry import KINDS


def _options(command: str) -> dict[str, click.Parameter]:
    return {option.name or "": option for option in cli.commands[command].params}


def test_the_help_names_every_kind_of_report() -> None:
    """It stands there as text: help imports no report."""
    option = _options("run")["reports"]
    assert isinstance(option, click.Option)
    assert list(KINDS) == (option.help or "").partition(";")[0].split(", ")


def test_run_and_watch_take_the_same_options() -> None:
    """And each of them is an argument of a run."""
    assert _options("run").keys() == _options("watch").keys() == set(RunArguments.__dataclass_fields__)


def test_every_command_and_option_says_what_it_is_for() -> None:
    """A newcomer reads nothing else."""
    assert [] == [name for name, command in cli.commands.items() if not command.get_short_help_str(200)]
    options = [option for command in cli.commands.values() for option in command.params]
    assert [] == [option.name for option in options if isinstance(option, click.Option) and not option.help]
