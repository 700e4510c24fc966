"""Which flow of a call starts next: in the call's order, those of one ``exclusive`` name one after the other."""

from __future__ import annotations

import threading
from collections.abc import Sequence


class Schedule:
    """Hands out the numbers of flows to the threads that run them.

    ``names`` holds the ``exclusive`` name of each flow, "" for none. A flow that has to wait for another one keeps no
    thread from the flows after it.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self._names = names
        self._waiting = list(range(len(names)))
        self._held: set[str] = set()
        self._changed = threading.Condition()
        self._stopped = False

    def take(self) -> int | None:
        """The next flow to run, ``None`` once there is none left. Waits while each that is left has to wait."""
        with self._changed:
            while self._waiting and not self._stopped:
                number = self._first_free()
                if number is not None:
                    self._waiting.remove(number)
                    self._held.add(self._names[number])
                    return number
                self._changed.wait()
            return None

    def ended(self, number: int) -> None:
        """A flow that was taken has ended: those that waited for it may start."""
        with self._changed:
            self._held.discard(self._names[number])
            self._changed.notify_all()

    def stop(self) -> None:
        """No further flow starts."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()

    def left(self) -> list[int]:
        """The flows that nobody has taken."""
        with self._changed:
            return list(self._waiting)

    def _first_free(self) -> int | None:
        taken = self._held - {""}
        return next((number for number in self._waiting if self._names[number] not in taken), None)
