"""The command line's words. What each command does stands in its own module, imported when it is called."""

from __future__ import annotations

import sys

import click

from testmesh_engine.contract.duration import parse_duration
from testmesh_engine.errors import Interrupted, UsageError
from testmesh_engine.runtime.signals import EXIT_INTERRUPTED, Signals

_ENGINE_ERROR = 3


class _Duration(click.ParamType[float]):
    name = "duration"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """The seconds that ``30s`` or ``2m`` says."""
        if isinstance(value, float):
            return value
        try:
            seconds = parse_duration(str(value))
        except ValueError as error:
            self.fail(str(error), param, ctx)
        if not seconds:
            self.fail(f"{value} leaves no time; write for example 5m", param, ctx)
        return seconds


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="testmesh", prog_name="testmesh", message="%(prog)s %(version)s")
def cli() -> None:
    """Run flows that test microservices across their boundaries."""


@cli.command()
@click.argument("paths", nargs=-1, required=True, metavar="PATH…")
@click.option("--var", "variables", multiple=True, metavar="K=V", help="Set a variable; the highest of all layers.")
@click.option("--env-file", metavar="FILE", help="Variables from a file of NAME=value lines.")
@click.option(
    "--report",
    "reports",
    multiple=True,
    metavar="KIND=FILE",
    help="console, json, jsonl, verdict; - is stdout.",
)
@click.option("--timeout", type=_Duration(), help="Bounds setup and steps of each flow, for example 5m.")
@click.option("--strict", is_flag=True, help="Warnings of validate stop the run.")
@click.option("--no-teardown", is_flag=True, help="Leave everything as it was at the end, to look at it.")
@click.option("-v", "--verbose", is_flag=True, help="Requests and responses of all steps; tracebacks of engine errors.")
@click.pass_obj
def run(  # noqa: PLR0913 - one for each option
    signals: Signals,
    *,
    paths: tuple[str, ...],
    variables: tuple[str, ...],
    env_file: str | None,
    reports: tuple[str, ...],
    timeout: float | None,
    strict: bool,
    no_teardown: bool,
    verbose: bool,
) -> None:
    """Run the flows of the files, one after the other.

    Exit code: 0 passed, 1 a test failed, 2 flow or arguments wrong, 3 database, broker or engine failed, 130
    interrupted.
    """
    from testmesh_engine.cli.run import RunArguments, run_paths  # noqa: PLC0415 - help and version need none of it

    arguments = RunArguments(
        paths=paths,
        variables=variables,
        env_file=env_file,
        reports=reports,
        timeout=timeout,
        strict=strict,
        teardown=not no_teardown,
        verbose=verbose,
    )
    sys.exit(run_paths(arguments, signals))


@cli.command()
@click.argument("paths", nargs=-1, required=True, metavar="PATH…")
@click.option("--output", type=click.Choice(["text", "json"]), default="text", help="How problems are printed.")
@click.option("--strict", is_flag=True, help="Warnings count as errors.")
@click.option("--stdin-name", default="stdin", metavar="NAME", help="What problems call the file that - reads.")
@click.option("--object", "object_path", metavar="PATH", help="- reads the JSON of an object, which stands at PATH.")
@click.pass_obj
def validate(  # noqa: PLR0913 - one for each option
    signals: Signals, *, paths: tuple[str, ...], output: str, strict: bool, stdin_name: str, object_path: str | None
) -> None:
    """Check the flows of the files without running them; - reads standard input.

    TestFlow manifests are read too. Exit code: 0 all right, 2 not.
    """
    from testmesh_engine.cli.validate import ValidateArguments, validate_paths  # noqa: PLC0415 - the same

    arguments = ValidateArguments(
        paths=paths, output=output, strict=strict, stdin_name=stdin_name, object_path=object_path
    )
    with signals.ending_at_once():
        sys.exit(validate_paths(arguments))


@cli.command()
def version() -> None:
    """Print the version."""
    from importlib.metadata import version as version_of  # noqa: PLC0415 - the same

    click.echo(f"testmesh {version_of('testmesh')}")


def main() -> None:
    """Run the command line; a person's mistake ends with a sentence and exit code 2, never with a traceback."""
    signals = Signals()
    signals.listen()
    try:
        cli(prog_name="testmesh", obj=signals)
    except UsageError as error:
        click.echo(f"testmesh: {error.message}", err=True)
        if error.hint:
            click.echo(f"  {error.hint}", err=True)
        sys.exit(2)
    except Interrupted:
        sys.exit(EXIT_INTERRUPTED)
    except Exception as error:
        if {"-v", "--verbose"} & set(sys.argv):
            raise
        click.echo(f"testmesh: engine error: {type(error).__name__} (run with -v for the traceback)", err=True)
        sys.exit(_ENGINE_ERROR)
