"""Keeps secrets out of everything that is written: a value is masked before it enters a result, never after."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from decimal import Decimal

from testmesh_engine.contract.result import Json
from testmesh_engine.expressions import EvaluationError, Output, Scope, Template
from testmesh_engine.runtime.secret_forms import SHORTEST
from testmesh_engine.runtime.secret_search import KnownSecrets
from testmesh_engine.runtime.secret_text import MASK, is_secret_key, secrets_under, secrets_within

_SHORTEST_LEARNED = 8
"""A value met under a secret-like key, or a URL's password, is masked elsewhere from this length on."""


class Masker:
    """Knows the secrets of one run and takes them out of values and text; ``***`` never tells a length.

    It may learn and mask in several threads at once.
    """

    def __init__(self, secrets: Iterable[str] = (), *, names: Iterable[str] = ()) -> None:
        self._whole: frozenset[str] = frozenset()
        self._names: frozenset[str] = frozenset(names)
        self.known = KnownSecrets(frozenset())
        self._shown: dict[int, tuple[Json, KnownSecrets]] = {}
        for secret in secrets:
            self.add(secret)

    def add(self, secret: str) -> None:
        """A declared secret, masked wherever it stands; also without the line end that its file may have."""
        forms = {secret, secret.strip()} if secret.strip() else set()
        new = forms - self._whole
        if new:
            self._whole |= new
            self.known = KnownSecrets(frozenset(form for form in self._whole if len(form) >= SHORTEST))

    def hide(self, name: str) -> None:
        """The values of the variable ``name`` are secrets, also those that it gets later."""
        self._names |= {name}

    def is_secret_name(self, name: str) -> bool:
        """Whether what is called ``name`` is masked: by its own words, or because the flow or the run says so."""
        return name in self._names or is_secret_key(name)

    def learn(self, value: object, *, key: str = "") -> None:
        """Note the secrets that a value holds: below secret-like keys, in pairs within text, and passwords in URLs."""
        # Text first, and maps by their own kind: asking whether something is a Mapping takes long.
        if isinstance(value, str):
            self._learn_text(value, key)
        elif isinstance(value, list):
            for item in value:
                self.learn(item, key=key)
        elif isinstance(value, (dict, Mapping)):
            below = key if self.is_secret_name(key) else ""
            for name, item in value.items():
                under = key_in(value, name)
                self.learn(item, key=under if not below or self.is_secret_name(under) else below)
        elif _is_number(value) and self.is_secret_name(key):
            self._learn(str(value), key)

    def learn_rendered(self, template: Template, scope: Scope) -> None:
        """Note what the placeholders of ``template`` make of declared secrets: a slice of one is still the secret."""
        with suppress(EvaluationError):  # one that has no value has given none away
            for value, written in template.made_of(self._names.__contains__, scope):
                self._learn_made(value, written)

    def learn_output(self, output: Output, value: object) -> None:
        """The same of what an output makes of them."""
        if any(name in self._names for use in output.names for name in (use.name, *use.keys)):
            self._learn_made(value, output.source)

    def _learn_made(self, value: object, written: str) -> None:
        """What the author wrote is no secret: ``${KEY == "a" ? "production" : "staging"}``."""
        for text in _texts_in(value):
            if len(text) >= _SHORTEST_LEARNED and text not in written:
                self.add(text)

    def learn_variables(self, values: Mapping[str, object]) -> None:
        """As :meth:`learn`; a variable that holds a secret, or little else, hides its name from then on."""
        self.learn(values)
        for name, value in values.items():
            if isinstance(value, str) and name not in self._names:
                masked = self.text(value)
                if masked != value and 2 * len(masked.replace(MASK, "")) < len(value):
                    self.hide(name)

    def _learn_text(self, text: str, key: str) -> None:
        if key in self._names:
            self.add(text)
        for secret in (*(secrets_under(key, text) if is_secret_key(key) else ()), *secrets_within(text)):
            self._learn(secret, key)

    def _learn(self, secret: str, key: str) -> None:
        if key in self._names or len(secret) >= _SHORTEST_LEARNED:
            self.add(secret)

    def text(self, text: str) -> str:
        """``text`` without any secret."""
        if text in self._whole:
            return MASK
        return self.known.masked(text)

    def tells_of(self, value: Json) -> bool:
        """Whether a value is a part of a secret: some of its characters, or a list of such parts."""
        if isinstance(value, str):
            return len(value) >= SHORTEST and self.known.has_part(value)
        return isinstance(value, (list, tuple)) and any(isinstance(item, str) and self.tells_of(item) for item in value)

    def value(self, value: Json, *, key: str = "") -> Json:
        """``value`` without any secret, keys included; what stands under a secret-like key is masked whole."""
        if self.hides_below(key, value):
            return MASK
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, (dict, Mapping)):
            items = ((name, self.value(item, key=key_in(value, name))) for name, item in value.items())
            return self.keyed(items)
        if isinstance(value, (list, tuple)):
            return [self.value(item) for item in value]
        return MASK if _is_number(value) and self.text(str(value)) != str(value) else value

    def shows(self, masked: Json) -> Json:
        """``masked``, noted as without any secret that is known by now; it is not to be changed any more."""
        self._shown[id(masked)] = masked, self.known
        return masked

    def once_more(self, value: Json) -> Json:
        """As :meth:`value`; what was noted as masked is looked through again only where more is known since."""
        shown = self._shown.get(id(value))
        return value if shown is not None and shown[1] is self.known else self.value(value)

    def hides_below(self, key: str, value: object) -> bool:
        """Whether ``value`` is masked whole for its key: nil, true, false and what is empty are no secrets."""
        return value not in (None, "", {}, []) and not isinstance(value, bool) and self.is_secret_name(key)

    def keyed(self, items: Iterable[tuple[str, Json]]) -> dict[str, Json]:
        """A map of ``items`` with its keys masked; none is lost where two of them look the same then."""
        found: dict[str, Json] = {}
        for name, item in items:
            masked = self.text(name)
            shown = masked if masked not in found else f"{masked} ({len(found) + 1})"
            found[shown] = item
        return found


def _texts_in(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, (list, dict)):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _texts_in(item)


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float, Decimal)) and not isinstance(value, bool)


def key_in(entries: Mapping[str, object], name: str) -> str:
    """The key that decides about ``entries[name]``: of ``{name: PASSWORD, value: …}`` the name."""
    if name == "value":
        beside = entries.get("name", entries.get("key"))
        if isinstance(beside, str):
            return beside
    return name
