"""From a step's config to the words of one Redis command, and back from its reply."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from decimal import Decimal

from testmesh_engine.actions.config import Config
from testmesh_engine.contract.duration import parse_duration
from testmesh_engine.contract.record import dataclass
from testmesh_engine.errors import UsageError
from testmesh_engine.expressions import Value, to_json

_OF_THE_CONNECTION = {
    "AUTH": "Write username and password instead.",
    "SELECT": "Write db instead.",
    "HELLO": "Write username and password instead.",
    **dict.fromkeys(
        ("MULTI", "EXEC", "DISCARD", "WATCH", "UNWATCH"), "Several commands as one: use EVAL with a script."
    ),
    **dict.fromkeys(
        ("SUBSCRIBE", "PSUBSCRIBE", "SSUBSCRIBE", "MONITOR", "SYNC", "PSYNC"),
        "A step gets one reply; these have no end.",
    ),
    **dict.fromkeys(("QUIT", "RESET", "CLIENT"), "The connection is the flow's, which closes it at its end."),
}
"""Commands that would change the connection, which the steps of a flow share."""

_TELLS_COUNT = frozenset(
    [
        "EXISTS",
        "DEL",
        "UNLINK",
        "TOUCH",
        "EXPIRE",
        "PEXPIRE",
        "EXPIREAT",
        "PEXPIREAT",
        "PERSIST",
        "HEXISTS",
        "HDEL",
        "SISMEMBER",
        "SREM",
        "ZREM",
        "RENAMENX",
    ]
)
_TELLS_TIME = frozenset({"TTL", "PTTL", "EXPIRETIME", "PEXPIRETIME"})
_PAIRS = frozenset({"HGETALL", "CONFIG"})
"""Commands whose reply is a list of names and values in turn."""
_SEVERAL = frozenset({"LPUSH", "RPUSH", "LPUSHX", "RPUSHX", "SADD", "SREM", "DEL", "UNLINK", "EXISTS", "MGET"})
"""Commands for which a list is several values; for others it is JSON."""
_NO_KEY = 0
_ABSENT_TTL = -2


@dataclass(frozen=True, slots=True)
class Command:
    """The words of one command, as text for people and as bytes to send."""

    words: tuple[Value, ...]

    @property
    def name(self) -> str:
        """``GET``."""
        return str(self.words[0])

    def encoded(self) -> list[bytes]:
        """As it is sent."""
        return [_bytes_of(word) for word in self.words]

    def shown(self) -> dict[str, Value]:
        """What was sent, for reports: the value under its own key, so that a secret in it is masked by its name."""
        return {"command": " ".join(_shown(word) for word in self.words)}


def command_of(settings: Config) -> Command:
    """The command that a step means. Raises ``UsageError``."""
    first = _first(settings)
    # redis-py takes "CONFIG GET" for two words; so what is refused must be seen in the first of them.
    verb = str(first[0]).split() or [""]
    name = verb[0].upper()
    if why := _OF_THE_CONNECTION.get(name):
        raise UsageError(f"redis does not run {name}", hint=why)
    words = [name, *verb[1:], *first[1:], *_operands(name, settings)]
    if name == "GET" and len(words) == 1:
        raise UsageError("redis needs key", hint='Write key: "…", or command with all of its words.')
    return Command(tuple(words))


def _first(settings: Config) -> list[Value]:
    """``command``: one word, several in one text as in redis-cli, or a list; without it what ``value`` tells."""
    given = settings.value("command")
    if isinstance(given, list) and given:
        return given
    if isinstance(given, str) and given.strip():
        try:
            return [*shlex.split(given)]
        except ValueError:
            raise UsageError("command has a quote without its end", hint="Write it as a list of words.") from None
    return ["GET"] if settings.value("value") is None else ["SET"]


def _operands(name: str, settings: Config) -> list[Value]:
    words: list[Value] = []
    for key in ("key", "field"):
        given = settings.value(key)
        words += given if isinstance(given, list) else [] if given is None else [given]
    words += _values(name, settings.value("value"))
    words += settings.list("args")
    return words + _ttl(name, settings.value("ttl"))


def _values(name: str, value: Value) -> list[Value]:
    if value is None:
        return []
    if isinstance(value, list) and name in _SEVERAL:
        return value
    if isinstance(value, dict) and name in {"HSET", "HMSET", "MSET"}:
        return [word for pair in value.items() for word in pair]
    return [value]


def _ttl(name: str, ttl: Value) -> list[Value]:
    if ttl is None:
        return []
    milliseconds = round(seconds_of(ttl) * 1000)
    whole, is_whole = milliseconds // 1000, milliseconds % 1000 == 0
    if name == "SET":
        return ["EX", whole] if is_whole else ["PX", milliseconds]
    if name in {"EXPIRE", "SETEX"} and is_whole:
        return [whole]
    raise UsageError(f"ttl goes with SET and EXPIRE, found {name}", hint="EXPIRE takes whole seconds, PEXPIRE args.")


def fault_of_ttl(ttl: object) -> str:
    """What is wrong with a ``ttl``: seconds as a number, or a duration."""
    if isinstance(ttl, (int, Decimal)) and not isinstance(ttl, bool):
        return "" if ttl > 0 else f"takes more than 0, found {ttl}"
    try:
        seconds = parse_duration(ttl) if isinstance(ttl, str) else 0
    except ValueError as error:
        return f"takes seconds or a duration: {error}"
    return "" if seconds > 0 else "takes seconds (60) or a duration (1m), more than 0"


def seconds_of(ttl: Value) -> float:
    """The seconds of a sound ``ttl``."""
    return parse_duration(ttl) if isinstance(ttl, str) else float(str(ttl))


def _bytes_of(word: Value) -> bytes:
    if isinstance(word, bytes):
        return word
    if word is None:
        raise UsageError("a word of the command is nil", hint='Redis has no such value; write "" for empty text.')
    return (word if isinstance(word, str) else to_json(word)).encode("utf-8", "replace")


def _shown(word: Value) -> str:
    text = word if isinstance(word, str) else to_json(word)
    plain = bool(text) and not any(char.isspace() or char in "\"'" for char in text)
    return text if plain else json.dumps(text, ensure_ascii=False)


def value_of(command: Command, reply: Value) -> Value:
    """The reply as the result's ``value``: pairs as a map."""
    if command.name in _PAIRS and isinstance(reply, list) and len(reply) % 2 == 0:
        return {str(name): value for name, value in zip(reply[::2], reply[1::2], strict=True)}
    return reply


def exists(command: Command, value: Value) -> bool:
    """Whether what was asked for, read or changed is, or was, there."""
    if command.name in _TELLS_COUNT:
        return isinstance(value, int) and value > _NO_KEY
    if command.name in _TELLS_TIME:
        return value != _ABSENT_TTL
    return value is not None and value not in ([], {})


def given_of(settings: Config) -> Mapping[str, Value]:
    """The step's own words, for reports, under their own keys."""
    return {name: given for name in ("key", "field", "value", "ttl") if (given := settings.value(name)) is not None}
