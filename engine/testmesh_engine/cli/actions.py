"""``testmesh actions``: what a step can do, as the actions declare it."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence

from testmesh_engine.actions import plugins
from testmesh_engine.actions.registry import Registry
from testmesh_engine.contract.catalogue import ActionSpec, Key
from testmesh_engine.errors import UsageError
from testmesh_engine.language.findings import unknown_name_hint

_ALIASES_LISTED = 2


def print_actions() -> None:
    """A line for each action."""
    specs = [spec for name in Registry().names() if (spec := Registry().find(name))]
    rows = [(_with_aliases(spec.name, _few(spec.aliases)), spec.doc) for spec in specs]
    rows += [(name, f"can't be used: {fault}") for name in plugins.declared() if (fault := Registry().fault(name))]
    _write([*_columns(rows), "", "testmesh actions NAME tells the keys and the results of one."])


def print_action(name: str) -> None:
    """All that one action declares. Raises ``UsageError`` for a name that there isn't."""
    spec = Registry().find(name)
    if spec is None:
        raise _unknown(name)
    _write(_page(spec))


def _unknown(name: str) -> UsageError:
    if fault := Registry().fault(name):
        return UsageError(fault)
    return UsageError(f'there is no action "{name}"', hint=unknown_name_hint(name, Registry().names()))


def _page(spec: ActionSpec) -> Iterator[str]:
    yield _with_aliases(spec.name, spec.aliases)
    yield f"  {spec.doc}"
    yield from _part("config", _keys(spec.keys))
    yield from _part("result", [*spec.results.items()])
    if spec.example:
        yield from ("", "example", *(f"  {line}" for line in spec.example.splitlines()))


def _part(title: str, rows: Sequence[tuple[str, str]]) -> Iterator[str]:
    if rows:
        yield from ("", title, *(f"  {line}" for line in _columns(rows)))


def _keys(keys: Iterable[Key], *, above: str = "") -> list[tuple[str, str]]:
    """A row for each key, those of a map below it."""
    rows: list[tuple[str, str]] = []
    for key in keys:
        rows.append((f"{above}{_with_aliases(key.name, key.aliases)}", _told(key)))
        rows += _keys(key.fields, above=f"{above}{key.name}.")
    return rows


def _told(key: Key) -> str:
    """``required, text: the whole URL``, and what it is where nothing is said."""
    lead = f"required, {key.kind.value}" if key.required else key.kind.value
    choices = f"; one of {', '.join(key.choices)}" if key.choices else ""
    default = f"; default {key.default}" if key.default else ""
    return f"{lead}: {key.doc}{choices}{default}"


def _with_aliases(name: str, aliases: Sequence[str]) -> str:
    return " = ".join((name, *aliases))


def _few(aliases: Sequence[str]) -> Sequence[str]:
    """The first of many: one action's spellings must not push all others' docs out of sight."""
    return aliases if len(aliases) <= _ALIASES_LISTED else (*aliases[:_ALIASES_LISTED], "…")


def _columns(rows: Sequence[tuple[str, str]]) -> Iterator[str]:
    width = max(len(first) for first, _ in rows)
    return (f"{first:<{width}}  {second}" for first, second in rows)


def _write(lines: Iterable[str]) -> None:
    sys.stdout.write("".join(f"{line}\n" for line in lines))
