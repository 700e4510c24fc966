"""Names, addresses, numbers that look real: what ``FAKER.`` gives, from Faker, which is imported at the first use."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import date, datetime, time
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING

from testmesh_engine.expressions import EvaluationError, Value
from testmesh_engine.language.faker import method_of
from testmesh_engine.language.faker_names import UNTIL

if TYPE_CHECKING:
    from faker import Faker

LONGEST = 1000
"""Characters of a value: what is longer is no test datum but a file."""

_UNTIL = datetime(2025, 1, 1)  # noqa: DTZ001 - Faker adds no zone either
"""Where Faker would end at the present moment: with the same seed a flow gets the same dates tomorrow."""

_ONE_AT_A_TIME = threading.Lock()
"""There is one Faker in the process, which is seeded and asked in one go, also where flows run at once."""


class FakerNames(dict[str, Value]):
    """``FAKER`` as a map: each value is made when it is read, from the seed of its step and its method's name.

    To those who look through it all it is what was made so far.
    """

    def __init__(self, seed: Callable[[str], str]) -> None:
        super().__init__()
        self._seed = seed

    def __contains__(self, key: object) -> bool:
        return isinstance(key, str) and method_of(key) is not None

    def __missing__(self, key: str) -> Value:
        method = method_of(key)
        if method is None:
            raise KeyError(key)
        self[key] = _made(method, self._seed(method))
        return self[key]


def _made(method: str, seed: str) -> Value:
    with _ONE_AT_A_TIME:
        fake = _faker()
        make = getattr(fake, method, None)
        if make is None:
            raise EvaluationError(f"the Faker that is installed has no {method}", "pip install -U faker brings it.")
        fake.seed_instance(seed)
        return as_value(make(end_datetime=_UNTIL) if method in UNTIL else make())


@cache
def _faker() -> Faker:
    try:
        from faker import Faker  # noqa: PLC0415 - takes 300 ms, and few flows need it
    except ImportError:
        raise EvaluationError("FAKER needs Faker, which is not installed", 'pip install "testmesh[faker]".') from None
    return Faker("en_US")


def as_value(made: object) -> Value:
    """A value of the language: dates and times as ISO text, numbers exact. Raises ``TypeError`` for anything else."""
    match made:
        case str() | bool() | int() | Decimal():
            return made
        case float():
            return Decimal(repr(made))
        case datetime() | date() | time():
            return made.isoformat()
        case list() | tuple():
            return [as_value(item) for item in made]
        case dict():
            return {str(key): as_value(item) for key, item in made.items()}
        case _:
            raise TypeError(f"{type(made).__name__} is no value of the language")
