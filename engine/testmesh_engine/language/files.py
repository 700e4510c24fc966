"""The files that a flow names (``env_file``, ``data.file``): read by the border, asked for here."""

from __future__ import annotations

from typing import Protocol

from testmesh_engine.errors import UsageError


class Files(Protocol):
    """What lies beside a flow."""

    def read(self, name: str) -> str:
        """The text of the file ``name``, a path as the flow has it, relative to the flow's own folder.

        Raises ``UsageError`` where it can't be read, with the reason.
        """


class NoFiles:
    """A flow that has no folder: standard input, an object."""

    def __init__(self, why: str) -> None:
        self._why = why

    def read(self, name: str) -> str:
        """Refuse."""
        raise UsageError(f"{name} can't be read: {self._why}")
