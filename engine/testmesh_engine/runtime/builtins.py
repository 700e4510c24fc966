"""The variables that are always there: one value for each step, the same in all its attempts."""

from __future__ import annotations

import random
import string
from collections.abc import Callable
from datetime import UTC, datetime

from testmesh_engine.contract.record import dataclass
from testmesh_engine.expressions import Value
from testmesh_engine.language import faker
from testmesh_engine.runtime.faker_values import FakerNames


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """What a run is called: RUN_ID and EXECUTION_ID of the environment, and the seed of its random values."""

    run_id: str
    execution_id: str
    seed: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """What the built-ins of one step are computed from; ``now`` is the time at which the step started, in UTC."""

    identity: Identity
    flow: str
    step: str
    now: datetime
    failed: bool = False

    def seed(self, name: str) -> str:
        """What the value of ``name`` is made from: of each step and name its own, whatever is read before it."""
        # In ASCII, with quotes: no two of them run together, and a seed of any bytes will do.
        return ascii((self.identity.seed, self.flow, self.step, name))

    def random(self, name: str) -> random.Random:
        """A source of its own for each step and name."""
        return random.Random(self.seed(name))  # noqa: S311 - test data, repeatable

    def uuid(self, name: str) -> str:
        """A UUID of version 4."""
        from uuid import UUID  # noqa: PLC0415 - costs 8 ms, and few flows read one

        return str(UUID(int=self.random(name).getrandbits(128), version=4))


def moment(identity: Identity, *, flow: str, step: str, failed: bool) -> Moment:
    """The moment at which a step starts."""
    return Moment(identity=identity, flow=flow, step=step, now=datetime.now(UTC), failed=failed)


def trace_id(identity: Identity, *, flow: str, file: str) -> str:
    """What all calls of one run of one flow carry (W3C Trace Context): 32 hexadecimal digits, never all 0.

    Made from what the run is called, not from the seed alone: a run that repeats another one is still another one.
    """
    name = ascii((identity.run_id, identity.execution_id, identity.seed, flow, file, "traceparent"))
    return f"{random.Random(name).getrandbits(128) or 1:032x}"  # noqa: S311 - a name, no secret


def lookup(name: str, at: Moment) -> Value:
    """The value of the built-in ``name``. Raises ``KeyError`` where there is none."""
    return _TABLE[name](at)


def _random_string(at: Moment) -> str:
    return "".join(at.random("RANDOM_STRING").choices(string.ascii_lowercase + string.digits, k=10))


def _flow_id(at: Moment) -> str:
    from uuid import NAMESPACE_URL, uuid5  # noqa: PLC0415 - costs 8 ms, and few flows read one

    return str(uuid5(NAMESPACE_URL, f"{at.identity.run_id}/{at.flow}"))


def _iso(at: Moment) -> str:
    return at.now.isoformat(timespec="milliseconds").replace("+00:00", "Z")


_TABLE: dict[str, Callable[[Moment], Value]] = {
    "RANDOM_ID": lambda at: at.uuid("RANDOM_ID"),
    "UUID": lambda at: at.uuid("UUID"),
    "$uuid": lambda at: at.uuid("$uuid"),
    "RANDOM_INT": lambda at: at.random("RANDOM_INT").randint(0, 999_999),
    "$random_int": lambda at: at.random("$random_int").randint(0, 999_999),
    "RANDOM_STRING": _random_string,
    "TIMESTAMP": lambda at: int(at.now.timestamp()),
    "$timestamp": lambda at: int(at.now.timestamp()),
    "TIMESTAMP_UNIX": lambda at: int(at.now.timestamp()),
    "TIMESTAMP_MS": lambda at: int(at.now.timestamp() * 1000),
    "ISO_TIMESTAMP": _iso,
    "DATETIME": lambda at: at.now.strftime("%Y-%m-%d %H:%M:%S"),
    "DATE": lambda at: at.now.strftime("%Y-%m-%d"),
    "TODAY": lambda at: at.now.strftime("%Y-%m-%d"),
    "TIME": lambda at: at.now.strftime("%H:%M:%S"),
    "YEAR": lambda at: at.now.year,
    "MONTH": lambda at: at.now.month,
    "DAY": lambda at: at.now.day,
    "HOUR": lambda at: at.now.hour,
    "MINUTE": lambda at: at.now.minute,
    "SECOND": lambda at: at.now.second,
    "DAY_OF_WEEK": lambda at: at.now.strftime("%A"),
    "FLOW_ID": _flow_id,
    "FLOW_NAME": lambda at: at.flow,
    "FLOW_STATUS": lambda at: "failed" if at.failed else "success",
    "EXECUTION_ID": lambda at: at.identity.execution_id,
    "RUN_ID": lambda at: at.identity.run_id,
    faker.ROOT: lambda at: FakerNames(lambda method: at.seed(f"{faker.ROOT}.{method}")),
}

NAMES = frozenset(_TABLE)
