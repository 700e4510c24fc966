"""One command at a time: two that start, stop or build would undo each other's work."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cluster.node.progress import Progress


@contextmanager
def alone(file: Path, progress: Progress) -> Iterator[None]:
    """Hold the lock; wait, and say so, while another command has it. The kernel frees it when its holder dies."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("a+") as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            held.seek(0)
            progress.say(f"waiting for another command that works on the node (process {held.read().strip() or '?'})")
            fcntl.flock(held, fcntl.LOCK_EX)
        held.truncate(0)
        held.write(str(os.getpid()))
        held.flush()
        yield
