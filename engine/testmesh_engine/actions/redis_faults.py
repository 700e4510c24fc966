"""What may come instead of a reply of Redis."""

from __future__ import annotations


class GarbledReplyError(Exception):
    """What came is no reply of Redis, or more than is read."""


class RefusedError(Exception):
    """Redis answers with an error; ``code`` is its first word, such as ``WRONGTYPE``."""

    def __init__(self, said: str) -> None:
        super().__init__(said)
        self.code = said.partition(" ")[0]
