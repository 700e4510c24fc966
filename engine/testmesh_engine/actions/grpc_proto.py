"""Compiles .proto files with protoc, in a process that ends at the deadline."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from testmesh_engine.actions.http_files import path_of, read_file
from testmesh_engine.actions.waiting import READABLE, Deadline, Interrupt, wait_for
from testmesh_engine.errors import UsageError

_SET_SUFFIXES = frozenset({".pb", ".desc", ".protoset", ".protobin", ".binpb", ".bin"})


def descriptor_set(
    names: Sequence[str], folder: Path | None, *, deadline: Deadline, interrupt: Interrupt
) -> list[bytes]:
    """The descriptor sets of files beside the flow: compiled from ``.proto``, or one that is a set already.

    Raises ``UsageError`` with what the compiler says.
    """
    sets = [name for name in names if Path(name).suffix in _SET_SUFFIXES]
    sources = [path_of(name, folder, key="proto") for name in names if name not in sets]
    found = [read_file(name, folder, key="proto") for name in sets]
    return [*found, _compiled(sources, folder, deadline, interrupt)] if sources else found


def _compiled(sources: Sequence[Path], folder: Path | None, deadline: Deadline, interrupt: Interrupt) -> bytes:
    for path in sources:
        if not path.is_file():
            raise UsageError(f"proto {path} can't be read", hint="A relative path starts at the flow's own folder.")
    roots = dict.fromkeys([*([folder] if folder else []), *(path.parent for path in sources)])
    with tempfile.TemporaryDirectory() as place:
        target = Path(place, "set")
        # The nearest root comes first: a file is named by its path below it.
        includes = [f"-I{root}" for root in sorted(roots, key=lambda root: -len(root.parts))]
        command = [sys.executable, "-m", "grpc_tools.protoc", *includes, "--include_imports"]
        _run(
            [*command, f"--descriptor_set_out={target}", *map(str, sources)],
            roots,
            deadline=deadline,
            interrupt=interrupt,
        )
        return target.read_bytes()


def _without(roots: Iterable[Path], said: str) -> str:
    for root in roots:
        said = said.replace(f"{root}/", "")
    return said


def _run(command: Sequence[str], roots: Iterable[Path], *, deadline: Deadline, interrupt: Interrupt) -> None:
    with subprocess.Popen(  # noqa: S603 - our own interpreter runs protoc, on files that the flow names
        command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    ) as protoc:
        try:
            said = _output(protoc, deadline, interrupt)
        except BaseException:
            protoc.kill()
            raise
    if protoc.returncode:
        if "No module named" in said:
            raise UsageError("proto needs the compiler", hint="Install it with: pip install 'testmesh[grpc]'")
        raise UsageError(f"proto can't be compiled: {_without(roots, said).strip()}")


def _output(protoc: subprocess.Popen[bytes], deadline: Deadline, interrupt: Interrupt) -> str:
    assert protoc.stderr is not None  # noqa: S101 - it was asked for
    said = b""
    while True:
        wait_for(protoc.stderr.fileno(), READABLE, deadline=deadline, interrupt=interrupt)
        data = os.read(protoc.stderr.fileno(), 65536)
        if not data:
            return said.decode("utf-8", "replace")
        said += data
