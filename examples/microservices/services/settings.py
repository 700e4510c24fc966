"""What a service is told by its environment, read once at the start."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass

ERROR_500 = "error-500"
SLOW = "slow"
ALWAYS_200 = "always-200"
WRONG_TYPE = "wrong-type"
CUT_OFF = "cut-off"
EVERY_SERVICE_CAN = frozenset({ERROR_500, SLOW, ALWAYS_200, WRONG_TYPE, CUT_OFF})


@dataclass(frozen=True, kw_only=True)
class Settings:
    """One service's settings; the names in the environment are the fields' in capitals."""

    name: str
    """Of the service, as its log lines and messages give it; not set by the environment."""
    host: str = "127.0.0.1"
    port: int
    database_url: str = "postgresql://root:admin@localhost:5432/postgres"
    kafka_brokers: str = "localhost:9092"
    user_service_url: str = "http://localhost:5001"
    product_service_url: str = "http://localhost:5002"
    misbehave: frozenset[str] = frozenset()
    """What the service is to do wrong: a comma-separated list in the environment. README.md has the table."""
    misbehave_delay: float = 5.0
    """Seconds that ``slow`` waits before each answer."""


def read_settings(name: str, *, port: int, can_misbehave: frozenset[str] = frozenset()) -> Settings:
    """The settings of the service ``name``, whose port is ``port`` unless PORT says otherwise.

    Ends the process, with a line that says which setting is wrong and what is allowed.
    """
    try:
        return settings_from(os.environ, name, port=port, can_misbehave=can_misbehave)
    except ValueError as error:
        sys.exit(f"{name} service: {error}")


def settings_from(
    environment: Mapping[str, str], name: str, *, port: int, can_misbehave: frozenset[str] = frozenset()
) -> Settings:
    """As :func:`read_settings`, from ``environment``.

    Raises:
        ValueError: a number is none, or ``MISBEHAVE`` has a word that this service doesn't know: left alone, it would
            look as if the service misbehaved and no test noticed.
    """
    texts = ("host", "database_url", "kafka_brokers", "user_service_url", "product_service_url")
    given = {field: environment[field.upper()] for field in texts if environment.get(field.upper())}
    return Settings(
        name=name,
        port=int(_number(environment, "PORT", default=port)),
        misbehave=_misbehaviour(environment.get("MISBEHAVE", ""), can_misbehave | EVERY_SERVICE_CAN),
        misbehave_delay=_number(environment, "MISBEHAVE_DELAY", default=Settings.misbehave_delay),
        **given,
    )


def _number(environment: Mapping[str, str], name: str, *, default: float) -> float:
    text = environment.get(name, "")
    try:
        return float(text) if text else default
    except ValueError:
        raise ValueError(f"{name} is a number, not {text!r}") from None


def _misbehaviour(text: str, known: frozenset[str]) -> frozenset[str]:
    words = frozenset(word.strip() for word in text.split(",")) - {""}
    if unknown := sorted(words - known):
        raise ValueError(
            f"MISBEHAVE: unknown here: {', '.join(unknown)}; this service knows {', '.join(sorted(known))}"
        )
    return words
