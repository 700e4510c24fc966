"""The command line's words. What each command does stands in its own module, imported when it is called."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from testmesh_engine.cli.parameters import PATHS, STRICT, ActionType, takes_run_arguments
from testmesh_engine.errors import Interrupted, UsageError
from testmesh_engine.runtime.signals import EXIT_INTERRUPTED, Signals

if TYPE_CHECKING:
    from testmesh_engine.cli.run import RunArguments

_ENGINE_ERROR = 3

_EXIT_CODES = """\b
Exit codes:
  0    all passed
  1    a test failed
  2    a flow or an argument is wrong, or there is nothing to run
  3    a database, a broker or the engine failed, and no test did
  130  interrupted, after teardown"""

_FIRST_STEPS = """\b
First steps:
  testmesh validate flows/          what is wrong with the flows of a folder
  testmesh run flows/order.yaml     run one flow
  testmesh run flows/ --parallel 4  run all flows of a folder, four at once
  testmesh watch flows/order.yaml   run it again at each change
  testmesh actions                  what a step can do

testmesh COMMAND --help tells more of each."""

_RUN_EXAMPLES = """PATH is a flow file, a folder (all flows in it and below), a pattern in quotes, or - for
standard input.

\b
Examples:
  testmesh run flows/order.yaml --var API=http://localhost:5003
  testmesh run flows/ --tag smoke --tag '!slow' --parallel 4
  testmesh run 'flows/**/*-order.yaml' --report junit=report.xml
  testmesh run flows/order.yaml --seed 5f2a77c1 -v

"""

_VALIDATE_EXAMPLES = """\b
Examples:
  testmesh validate flows/
  testmesh validate flows/order.yaml manifests/testflow.yaml --strict
  testmesh validate --output json - < flow.yaml

\b
Exit codes:
  0  all right
  2  not"""

_WATCH_EXAMPLES = """\b
Examples:
  testmesh watch flows/order.yaml
  testmesh watch flows/ --tag smoke --env-file local.env

Ctrl-C ends it with exit code 130, after the teardown of a flow that runs."""

_SCHEMA_EXAMPLES = """\b
Examples:
  testmesh schema --output testmesh.schema.json

\b
Then, as the first line of a flow file:
  # yaml-language-server: $schema=testmesh.schema.json"""

_COMPLETION_EXAMPLES = """\b
Examples:
  testmesh completion bash > ~/.local/share/bash-completion/completions/testmesh
  testmesh completion zsh > ~/.zfunc/_testmesh
  testmesh completion fish > ~/.config/fish/completions/testmesh.fish"""


@click.group(context_settings={"help_option_names": ["-h", "--help"]}, epilog=_FIRST_STEPS)
@click.version_option(package_name="testmesh", prog_name="testmesh", message="%(prog)s %(version)s")
def cli() -> None:
    """Run flows that test microservices across their boundaries."""


@cli.command(epilog=_RUN_EXAMPLES + _EXIT_CODES)
@takes_run_arguments
def run(signals: Signals, arguments: RunArguments) -> None:
    """Run flows. All files are checked first; one that is wrong stops the call."""
    from testmesh_engine.cli.run import run_paths  # noqa: PLC0415 - help and version need none of it

    sys.exit(run_paths(arguments, signals))


@cli.command(epilog=_WATCH_EXAMPLES)
@takes_run_arguments
def watch(signals: Signals, arguments: RunArguments) -> None:
    """Run flows, and again whenever one of their files changes."""
    from testmesh_engine.cli.watch import watch_paths  # noqa: PLC0415 - the same

    sys.exit(watch_paths(arguments, signals))


@cli.command(epilog=_VALIDATE_EXAMPLES)
@PATHS
@click.option("--output", type=click.Choice(["text", "json"]), default="text", help="How problems are printed.")
@STRICT
@click.option("--stdin-name", default="stdin", metavar="NAME", help="What problems call the file that - reads.")
@click.option("--object", "object_path", metavar="PATH", help="- reads the JSON of an object, which stands at PATH.")
@click.pass_obj
def validate(  # noqa: PLR0913 - one for each option
    signals: Signals, *, paths: tuple[str, ...], output: str, strict: bool, stdin_name: str, object_path: str | None
) -> None:
    """Check flows without running them; TestFlow manifests too."""
    from testmesh_engine.cli.validate import ValidateArguments, validate_paths  # noqa: PLC0415 - the same

    arguments = ValidateArguments(
        paths=paths, output=output, strict=strict, stdin_name=stdin_name, object_path=object_path
    )
    with signals.ending_at_once():
        sys.exit(validate_paths(arguments))


@cli.command()
@click.argument("name", required=False, type=ActionType())
@click.pass_obj
def actions(signals: Signals, *, name: str | None) -> None:
    """List what a step can do; with a NAME, the keys and results of one action."""
    from testmesh_engine.cli.actions import print_action, print_actions  # noqa: PLC0415 - the same

    with signals.ending_at_once():
        print_action(name) if name else print_actions()


@cli.command(epilog=_SCHEMA_EXAMPLES)
@click.option("--output", "file", metavar="FILE", type=click.Path(), help="Where to write it; standard output.")
@click.pass_obj
def schema(signals: Signals, *, file: str | None) -> None:
    """Print the JSON Schema of flow files, for editors."""
    from testmesh_engine.cli.schema import print_schema  # noqa: PLC0415 - the same

    with signals.ending_at_once():
        print_schema(file)


@cli.command(epilog=_COMPLETION_EXAMPLES)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(*, shell: str) -> None:
    """Print the script that completes testmesh in a shell."""
    from testmesh_engine.cli.completion import script_for  # noqa: PLC0415 - the same

    click.echo(script_for(cli, shell))


@cli.command()
def version() -> None:
    """Print the version."""
    from importlib.metadata import version as version_of  # noqa: PLC0415 - the same

    click.echo(f"testmesh {version_of('testmesh')}")


def run_command_line(heard: Sequence[int] = ()) -> None:
    """Run the command that the arguments name; ``heard`` are the signals that came before. Ends the process."""
    signals = Signals()
    signals.listen(heard)
    try:
        cli(prog_name="testmesh", obj=signals)
    except UsageError as error:
        print_usage_error(error)
        sys.exit(2)
    except Interrupted:
        sys.exit(EXIT_INTERRUPTED)
    except Exception as error:  # noqa: BLE001 - our own bug ends with a sentence and its exit code
        if {"-v", "--verbose"} & set(sys.argv):
            from testmesh_engine.cli.settings import masked_trace  # noqa: PLC0415 - help and version need none of it

            click.echo(masked_trace(error, os.environ, sys.argv), err=True)
        click.echo(f"testmesh: engine error: {type(error).__name__} (run with -v for the traceback)", err=True)
        sys.exit(_ENGINE_ERROR)


def print_usage_error(error: UsageError) -> None:
    """What a person did wrong, and what to do, on standard error."""
    click.echo(f"testmesh: {error.message}", err=True)
    if error.hint:
        click.echo(f"  {error.hint}", err=True)
