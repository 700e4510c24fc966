"""The demo's flows against the services on this machine, without Kubernetes: what ``make try`` runs.

Starts a real PostgreSQL, a real Kafka and the services on loopback, runs the seed's order flow as it is, or the flows
that are given, and stops everything again. Nothing of it outlives this process, however that ends.
"""

from __future__ import annotations

import argparse
import os
import shlex
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Collection, Sequence
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests"))  # the stack is the tests' own; this file is run as a script

from support.errors import SetupError  # noqa: E402 - found by the line above
from support.stack import SEED_FLOW, SERVICES, Ports, Stack, running_stack  # noqa: E402 - as above

TESTMESH = Path(sys.executable).with_name("testmesh")
INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns the exit code of ``testmesh run``; 3 when the stack doesn't come up, 130 after Ctrl-C."""
    chosen = _parser().parse_args(arguments)
    say = _teller(time.monotonic())
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # ends as Ctrl-C does: everything is stopped and deleted
    try:
        with running_stack(Ports(), say, misbehave=dict(chosen.misbehave)) as stack:
            command = _command(chosen.flows)
            code = _run(command, without={"PATIENCE", *stack.variables_of_all_flows()}, say=say)
            if chosen.keep:
                say(_what_to_type(stack, command))
                threading.Event().wait()
            say("stopping everything")
            return code
    except KeyboardInterrupt:
        say("stopped")
        return INTERRUPTED
    except SetupError as error:
        say(str(error))
        return 3


def _command(flows: Sequence[str]) -> list[str]:
    """What is typed in this repository's folder; the seed's flow alone shows its steps as they end."""
    program = [str(TESTMESH.relative_to(ROOT)), "run"]
    return [*program, *flows, "--parallel", "4"] if flows else [*program, str(SEED_FLOW.relative_to(ROOT))]


def _run(command: Sequence[str], *, without: Collection[str], say: Callable[[str], None]) -> int:
    """Runs the flows with nothing of their variables from our environment: they delete rows where DB_URL points."""
    say(shlex.join(command))
    environment = {name: value for name, value in os.environ.items() if name not in without}
    return subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode  # noqa: S603 - our own program


def _what_to_type(stack: Stack, command: Sequence[str]) -> str:
    return f"""everything stays up until Ctrl-C. In another shell:
  {shlex.join(command)}
  curl {stack.url("order")}/health
  psql {stack.database_url}
  tail -f {stack.logs}/*.log"""


def _teller(start: float) -> Callable[[str], None]:
    """Tells what is being done, and when."""

    def say(text: str) -> None:
        sys.stdout.write(f"[{time.monotonic() - start:5.1f} s] {text}\n")
        sys.stdout.flush()

    return say


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "flows",
        nargs="*",
        metavar="PATH",
        help="flows or folders of them, from the repository's folder; the seed's flow",
    )
    parser.add_argument("--keep", action="store_true", help="leave everything running until Ctrl-C")
    parser.add_argument(
        "--misbehave",
        metavar="SERVICE=WORD",
        action="append",
        default=[],
        type=_misbehaviour,
        help="let a service do something wrong, for example order=wrong-total; README.md has the words",
    )
    return parser


def _misbehaviour(text: str) -> tuple[str, str]:
    service, _, words = text.partition("=")
    if service not in SERVICES or not words:
        raise argparse.ArgumentTypeError(f"{text!r}: give one of {', '.join(SERVICES)}, then = and what it is to do")
    return service, words


if __name__ == "__main__":
    sys.exit(main())
