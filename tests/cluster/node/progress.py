"""Tells a person what is being done and how far it is."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Progress:
    """Lines with the seconds since the start, on standard error: standard output is for what scripts read."""

    started: float = field(default_factory=time.monotonic)

    def say(self, text: str) -> None:
        """Print one line."""
        print(f"[{time.monotonic() - self.started:6.1f}s] {text}", file=sys.stderr, flush=True)

    @contextmanager
    def stage(self, text: str) -> Iterator[None]:
        """Print one line before and, where it took a second or more, one after."""
        self.say(f"{text} …")
        begun = time.monotonic()
        yield
        took = time.monotonic() - begun
        if took >= 1:
            self.say(f"{text}: done in {took:.1f}s")
