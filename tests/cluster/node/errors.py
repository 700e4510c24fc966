"""What can go wrong with the local node, told to a person."""

from pathlib import Path

TAIL_LINES = 15


class NodeError(Exception):
    """The node cannot do what was asked; the message says why and what to do.

    Args:
        message: one or more sentences for a person.
        log: the file that holds the whole story; its last lines become part of the message.
    """

    def __init__(self, message: str, log: Path | None = None) -> None:
        super().__init__(message if log is None else f"{message}\n{_tail(log)}\nThe whole log: {log}")


def _tail(log: Path) -> str:
    try:
        lines = log.read_text(errors="replace").splitlines()
    except OSError:
        return "  (no log)"
    return "\n".join(f"  | {line}" for line in lines[-TAIL_LINES:]) or "  (empty log)"
