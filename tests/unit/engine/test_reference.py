"""The reference names every action with every key and every result, as they are declared."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from testmesh_engine.actions.registry import Registry, load_action
from testmesh_engine.contract.catalogue import ActionSpec, Key

README = Path(__file__).parents[3] / "engine" / "README.md"
START, END = "UPDATE_GOLDEN=1 writes it anew -->\n", "<!-- end of actions -->"


def described(spec: ActionSpec) -> Iterator[str]:
    """The section of one action."""
    also = f" (`{'`, `'.join(spec.aliases)}`)" if spec.aliases else ""
    yield f"### `{spec.name}`{also}\n\n{spec.doc}\n\n| config | |\n|---|---|\n"
    for key in spec.keys:
        yield f"| {' = '.join(f'`{name}`' for name in (key.name, *key.aliases))} | {_words(key)} |\n"
    if spec.results:
        yield "\n| result | |\n|---|---|\n"
    for name, doc in spec.results.items():
        yield f"| `{name}` | {doc} |\n"
    if spec.planned:
        yield f"\nNot supported yet: {', '.join(f'`{name}`' for name in spec.planned)}.\n"
    yield "\n"


def _words(key: Key) -> str:
    default = f"; {key.default}" if key.default else ""
    return f"{'required: ' if key.required else ''}{key.doc}{default}".replace("|", "\\|")


def test_the_reference_describes_every_action_as_it_is_declared() -> None:
    """A key that is not in the reference is not there for anyone."""
    text = README.read_text(encoding="utf-8")
    head, _, rest = text.partition(START)
    _, _, tail = rest.partition(END)
    sections = "".join(part for name in Registry().names() for part in described(load_action(name).spec))
    expected = f"{head}{START}\n{sections}{END}{tail}"
    if os.environ.get("UPDATE_GOLDEN"):
        README.write_text(expected, encoding="utf-8")
    assert expected == README.read_text(encoding="utf-8")
