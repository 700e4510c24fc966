"""Imports httpx, without the command line that it brings.

``import httpx`` imports ``httpx._main``, and with it click, rich and pygments where these happen to be installed: some
50 ms of a run, for a program that the engine never starts. An empty module in its place keeps the rest as it is.
"""

from __future__ import annotations

import sys
from types import ModuleType


def load_httpx() -> ModuleType:
    """The module httpx; every later ``import httpx`` gives the same one."""
    if "httpx" not in sys.modules:
        stand_in = ModuleType("httpx._main")
        stand_in.main = _no_command_line  # type: ignore[attr-defined]  # what httpx takes from it
        sys.modules.setdefault(stand_in.__name__, stand_in)
    import httpx  # noqa: PLC0415 - after its command line was replaced

    return httpx


def _no_command_line() -> None:
    raise SystemExit("httpx's own command line is not part of testmesh")
