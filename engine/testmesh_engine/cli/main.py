"""Where the process begins: it hears signals before it imports anything that takes time.

A pod's first process never gets a signal that it has no handler for, and importing the command line takes longer than
a quick ``kubectl delete``. So nothing is imported here but what Python holds ready; what was heard until then is
handed on.
"""

from __future__ import annotations

import gc
import signal

_COLLECTED_AFTER = 50_000
"""Objects, some 5 MB, from one search for garbage to the next. With Python's own 700 a tenth of a short run goes
into looking again and again through modules that stay."""


def main() -> None:
    """Run the command line; a person's mistake ends with a sentence and exit code 2, never with a traceback."""
    heard: list[int] = []
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        # Whoever started us with nohup wants us to outlive the terminal.
        if number != signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, lambda number, _frame: heard.append(number))
    gc.set_threshold(_COLLECTED_AFTER)
    from testmesh_engine.cli.commands import run_command_line  # noqa: PLC0415 - the point of this module

    run_command_line(heard)
