"""What an action declares of itself: its keys and its results.

The language checks flows against these declarations without importing an action's driver; the schema for editors and
the reference are made from them too. An action's file holds its declaration beside its code.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import field
from enum import StrEnum
from typing import Protocol

from testmesh_engine.contract.duration import parse_duration
from testmesh_engine.contract.record import dataclass


class Kind(StrEnum):
    """What may stand under a key; the value is how a message names it."""

    TEXT = "text"
    INTEGER = "a whole number"
    BOOLEAN = "true or false"
    DURATION = "a duration such as 500ms, 30s or 2m"
    MAP = "a map"
    LIST = "a list"
    STEP = "the id of a step above"
    CONDITION = "an expression"
    CONDITIONS = "an expression or a list of them"
    EXPRESSION = "an expression, or the value itself"
    EXPRESSIONS = "a map of expressions"
    FLOW = "the path of a flow file"
    STEPS = "a list of steps"
    BRANCHES = "a list of steps, or a map of lists of steps"
    ANY = "any value"

    @property
    def asks(self) -> bool:
        """Whether expressions stand there: compiled with the flow, never rendered, evaluated by the action."""
        return self in (Kind.CONDITION, Kind.CONDITIONS)

    @property
    def nests(self) -> bool:
        """Whether steps stand there: read with the flow, never rendered, run by the action."""
        return self is Kind.STEPS or self is Kind.BRANCHES


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """One key of an action's ``config``. ``default`` is what the reference says of it, "" where there is none."""

    name: str
    kind: Kind
    doc: str
    required: bool = False
    default: str = ""
    aliases: tuple[str, ...] = ()
    choices: tuple[str, ...] = ()
    """The only texts that are allowed; compared without regard to case."""
    fields: tuple[Key, ...] = ()
    """The keys of a map, where they are known."""
    variables: tuple[str, ...] = ()
    """Variables that it is taken from where a flow does not say it: the first that is known."""
    later: tuple[str, ...] = ()
    """Entries at any depth below it whose text is left to the action, which renders it whenever it is used."""
    case_blind: bool = False
    """The keys of the map are names in which case does not count, as of headers."""
    names: tuple[str, ...] = ()
    """Names that expressions under this key may read beside all that the step sees: the action gives their values."""
    fault: Callable[[object], str] | None = None
    """What is wrong with a value of the right kind, "" where nothing is; it never shows what may be a secret."""


@dataclass(frozen=True, slots=True)
class Condition:
    """One thing that a waiting action waits for: the key of the config that says so ("": none does), as expression."""

    key: str
    expression: object


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """An action that is run again until it holds: another spelling of ``eventually``, translated when it is loaded.

    ``conditions`` makes assertions of the config as it is written; it raises ``ValueError`` with what is wrong, the
    key, and perhaps a hint. They are written under ``keys``, which the action itself never sees; nor does it see
    ``timeout``, ``interval`` (``poll_interval``) and ``max_attempts``, which say when it is run again.
    """

    conditions: Callable[[Mapping[str, object]], Iterable[Condition]]
    keys: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Nesting:
    """What a container says of its nested steps' names, from its config as it is written.

    ``names`` are those that it gives to each round of them; it raises ``ValueError`` with what is wrong and the key.
    ``at_once`` tells whether rounds run at once: what their steps give is then not known below.
    """

    names: Callable[[Mapping[str, object]], Collection[str]]
    at_once: Callable[[Mapping[str, object]], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionSpec:
    """One action: ``results`` are the names that its result has in expressions, each with a sentence on it."""

    name: str
    doc: str
    keys: tuple[Key, ...]
    results: Mapping[str, str]
    aliases: tuple[str, ...] = ()
    presets: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """What an alias says beside the action: keys of its config with their values (``redis_get``: ``command``)."""
    example: str = ""
    """The shortest step that is worth writing, as YAML that starts with ``- ``."""
    asserts_itself: bool = False
    """The action fails by itself where nothing is as expected: no warning for a step that asserts nothing."""
    bounds_itself: bool = False
    """The action takes as long as its config says: the default bound of one attempt (30 s) is not laid on it."""

    early: tuple[str, ...] = ()
    """Keys that an action with ``prepare`` wants to see before the flow's first step; none named: all."""

    advised: Mapping[str, str] = field(default_factory=dict)
    """Keys without which a step is probably not what was meant, each with what happens then: a warning."""
    hopeless: Callable[[Mapping[str, object], str], str] | None = None
    """Why an assertion can never hold on a result of this config, both as they are written; "" where it may."""

    exposes: Callable[[Mapping[str, object]], Collection[str]] | None = None
    """Results whose names the config says, as it is written: they stand beside ``results``.

    It raises ``ValueError`` with what is wrong and the key ("" for none).
    """

    contradiction: Callable[[Mapping[str, object]], str] | None = None
    """What keys of a config, as they are written and under their own names, say against each other, "" for nothing."""

    only_asserts: bool = False
    """It does nothing but what the step asserts: one that asserts nothing is an error."""

    unsuccessful: Callable[[Mapping[str, object]], str] | None = None
    """Why a result is no success for a step that is tried again and asserts nothing, "" where it is one."""

    nesting: Nesting | None = None
    """Set where the names of nested steps depend on what the config says."""

    waiting: Waiting | None = None
    """Set where the step is run again until a condition of its config holds."""

    def key(self, name: str) -> Key | None:
        """The key of that name or alias."""
        return next((key for key in self.keys if name == key.name or name in key.aliases), None)


class Catalogue(Protocol):
    """The actions that there are. ``actions/registry.py`` is the one in use."""

    def find(self, name: str) -> ActionSpec | None:
        """The declaration of the action with this name or alias."""

    def fault(self, name: str) -> str:
        """Why an action that another package declares under this name can't be used, "" where none does."""

    def names(self) -> Iterable[str]:
        """All names, without aliases, sorted."""


def fault_of(kind: Kind, value: object, *, found: str) -> str:
    """What is wrong with ``value`` for a key of this kind, "" where nothing is; ``found`` names the value."""
    if kind is Kind.DURATION and isinstance(value, (str, int)) and not isinstance(value, bool):
        return _fault_of_duration(str(value))
    if kind in (Kind.ANY, Kind.EXPRESSION) or type(value) in _TYPES[kind]:
        return ""
    return f"takes {kind.value}, found {found}"


def _fault_of_duration(text: str) -> str:
    try:
        parse_duration(text)
    except ValueError as error:
        return f"takes a duration: {error}"
    return ""


_TYPES: Mapping[Kind, tuple[type, ...]] = {
    Kind.TEXT: (str,),
    Kind.INTEGER: (int,),
    Kind.BOOLEAN: (bool,),
    Kind.MAP: (dict,),
    Kind.LIST: (list,),
    Kind.STEP: (str,),
    Kind.CONDITION: (str,),
    Kind.CONDITIONS: (str, list),
    Kind.EXPRESSIONS: (dict,),
    Kind.FLOW: (str,),
    Kind.STEPS: (list,),
    Kind.BRANCHES: (list, dict),
    Kind.DURATION: (),
}
