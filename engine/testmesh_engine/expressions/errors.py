"""What can be wrong with an expression: its text, or its evaluation against the values at hand.

::

    ValueError
    ├── ExpressionError    the text is no expression; found before a run, with its offset
    └── EvaluationError    it has no value here: text where a number belongs, division by zero, a bound
        ├── AbsentError    something that it needs is not there: a key, a row, a variable
        │   └── NoValueError  a name that is known, and whose step gave it no value
        └── OutputError    an ``output`` found nothing, or could mean two things

Callers map the first onto positions in files, the second onto the step that was evaluating.
"""

from __future__ import annotations

import operator
from collections.abc import Iterable


class ExpressionError(ValueError):
    """The text is no expression, template or output.

    ``offset`` counts characters from 0 in the text that was compiled; ``path`` is the place of that text in a
    template's tree (keys and indexes, empty for a single text).
    """

    def __init__(self, message: str, offset: int = 0, *, hint: str = "", path: tuple[str | int, ...] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.offset = offset
        self.hint = hint
        self.path = path


class EvaluationError(ValueError):
    """The expression has no value here; ``message`` says why, ``hint`` what to do about it."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class AbsentError(EvaluationError):
    """Something that is needed is not there; what polls or has a default may take it for "not yet"."""


class NoValueError(AbsentError):
    """The name is known, and the step that would give it a value did not."""


class OutputError(EvaluationError):
    """An ``output`` found nothing, or could mean two things."""


_SHORT = 5
"""Letters of a word that is like many others."""


def nearest(word: str, known: Iterable[str]) -> str:
    """The known word that ``word`` was most likely meant to be, "" if none is near."""
    from difflib import get_close_matches  # noqa: PLC0415 - met only where something is wrong

    names = [name for name in known if name != word]
    folded = {name.casefold().replace("-", "_"): name for name in reversed(names)}
    exact = folded.get(word.casefold().replace("-", "_"))
    if exact is not None:
        return exact
    # Of a short word two letters are half of it: `lower` is not nearly `flow`.
    close = get_close_matches(word, names, n=1, cutoff=0.6 if len(word) > _SHORT else 0.7)
    return close[0] if close else next((name for name in names if _slipped(word, name)), "")


def _slipped(word: str, name: str) -> bool:
    """Whether one letter is another (`APY`, `API`), or all are there in another order (`ulr`, `url`)."""
    if len(word) != len(name) or len(word) <= 2:
        return False
    return sorted(word) == sorted(name) or sum(map(operator.ne, word, name)) == 1
