"""Ports on loopback: free ones, and who holds one that isn't."""

from __future__ import annotations

import secrets
import socket
from pathlib import Path

from support.errors import SetupError

HOST = "127.0.0.1"
LISTENED_ON = range(10_000, 30_000)  # below Kubernetes' node ports, and Linux' ports for outgoing connections
LISTENING = "0A"  # the state column of /proc/net/tcp: proc(5)


def free_port() -> int:
    """A port that nobody has at this moment, and that no outgoing connection will be given before it is used."""
    while True:
        port = secrets.choice(LISTENED_ON)
        if _is_free(port):
            return port


def require_free(port: int, *, wanted_by: str) -> None:
    """Raises SetupError, with the process that has it, when ``port`` is taken."""
    if not _is_free(port):
        holder = holder_of(port) or "another process"
        raise SetupError(f"port {port}, for {wanted_by}, is taken by {holder}; stop that, or use free ports")


def holder_of(port: int) -> str | None:
    """``postgres (pid 812)`` for the process that listens on ``port``; None when it isn't ours to see."""
    sockets = {f"socket:[{inode}]" for inode in _listening_inodes(port)}
    for folder in Path("/proc").glob("[0-9]*"):
        if sockets & _open_files(folder):
            name = (folder / "comm").read_text(encoding="utf-8").strip()
            return f"{name} (pid {folder.name})"
    return None


def _is_free(port: int) -> bool:
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a connection that lingers takes no port
        try:
            listener.bind((HOST, port))
        except OSError:
            return False
    return True


def _listening_inodes(port: int) -> set[str]:
    rows = [line.split() for table in ("tcp", "tcp6") for line in _table(Path("/proc/net", table))]
    return {row[9] for row in rows if row[3] == LISTENING and int(row[1].rpartition(":")[2], 16) == port}


def _table(path: Path) -> list[str]:
    return path.read_text(encoding="ascii").splitlines()[1:] if path.exists() else []


def _open_files(process: Path) -> set[str]:
    """What the process's descriptors point to; nothing for one that has just ended or is another user's."""
    try:
        descriptors = list((process / "fd").iterdir())
    except OSError:
        return set()
    return {target for descriptor in descriptors if (target := _target(descriptor))}


def _target(descriptor: Path) -> str | None:
    try:
        return str(descriptor.readlink())
    except OSError:  # closed meanwhile
        return None
