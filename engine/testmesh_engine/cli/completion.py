"""``testmesh completion``: the script that a shell completes with, as click writes it."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

_PROGRAM = "testmesh"


def script_for(command: click.Command, shell: str) -> str:
    """The script for ``bash``, ``zsh`` or ``fish``; the shell then asks ``testmesh`` itself for what may follow."""
    known = get_completion_class(shell)
    if known is None:
        raise ValueError(f"click knows no shell {shell}")
    return known(command, {}, _PROGRAM, f"_{_PROGRAM.upper()}_COMPLETE").source()
