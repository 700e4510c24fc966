"""What can go wrong before a test or a demo has begun: the machine lacks something, or a server doesn't come up."""

from __future__ import annotations


class SetupError(Exception):
    """The machine is not ready: the text says what is wrong and what to do about it, in words for a person."""
