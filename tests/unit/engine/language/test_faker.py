"""The names of FAKER: short ones of our own, and Faker's methods in a committed table."""

from __future__ import annotations

import inspect
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import faker
import pytest

from testmesh_engine.expressions import to_plain
from testmesh_engine.language import faker_names
from testmesh_engine.language.faker import SHORT, method_of, names, problem_of
from testmesh_engine.runtime.faker_values import LONGEST, as_value

_HEAD = '''"""Faker's methods that need no argument and give a value of the language, the same for the same seed.

Written by tests/unit/engine/language/test_faker.py; UPDATE_GOLDEN=1 writes it anew.
"""

_METHODS = """
'''
_TAIL = '''
"""
_UNTIL = """
'''
_END = '''
"""

METHODS = frozenset(_METHODS.split())

UNTIL = frozenset(_UNTIL.split())
"""Those that would end at the present moment: with a bound of their own they give the same on every day."""
'''
_LEFT_OUT = re.compile(
    r"py(?:dict|list|tuple)|passport_\w+|date_(?:time_)?between_dates|csv|dsv|psv|tsv|fixed_width|json"
)
"""Faker makes some of these of the clock or of a generator of its own; the others are files."""

_SEEDS = ("one", "one", "two", "three")


def _methods() -> Iterator[tuple[str, bool]]:
    """The names that belong into the table, each with whether it takes an end."""
    fake = faker.Faker("en_US")
    for name in sorted({name for part in fake.factories[0].get_providers() for name in dir(part)}):
        method = getattr(fake.factories[0], name, None)
        if name.startswith("_") or not inspect.isroutine(method) or _LEFT_OUT.fullmatch(name):
            continue
        parameters = inspect.signature(method).parameters
        if not any(each.default is each.empty and each.kind < each.VAR_POSITIONAL for each in parameters.values()):
            values = [_value(fake, name, seed) for seed in _SEEDS]
            if None not in values and values[0] == values[1] and len({type(value) for value in values}) == 1:
                yield name, "end_datetime" in parameters


def _value(fake: faker.Faker, name: str, seed: str) -> object:
    """What ``name`` gives; ``None`` where that is no value of the language, or too long a one."""
    try:
        fake.seed_instance(seed)
        value = as_value(getattr(fake, name)())
    except (TypeError, ValueError, faker.exceptions.UnsupportedFeature):
        return None
    return value if len(str(to_plain(value))) <= LONGEST else None


def _lines(words: list[str]) -> str:
    lines = [""]
    for word in words:
        if len(lines[-1]) + len(word) > 115:
            lines.append("")
        lines[-1] += f"{word} "
    return "\n".join(line.strip() for line in lines)


def test_the_table_holds_what_faker_offers() -> None:
    """Every method that needs no argument and can be repeated; a newer Faker that has others is seen here."""
    found = list(_methods())
    text = _HEAD + _lines([name for name, _ in found]) + _TAIL + _lines([name for name, until in found if until]) + _END
    path = Path(faker_names.__file__)
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", sorted(SHORT))
def test_a_short_name_means_a_method_that_there_is(name: str) -> None:
    """Faker has nothing of that name, or something that is no value."""
    assert SHORT[name] in faker_names.METHODS


@pytest.mark.parametrize("name", ["first_name", "FIRST_NAME", "firstName", "FirstName", "firstname"])
def test_neither_case_nor_underscores_count(name: str) -> None:
    """Each habit is understood."""
    assert "first_name" == method_of(name)


def test_no_two_names_are_told_apart_by_case_and_underscores_alone() -> None:
    """Else one of them could never be read."""
    plain = [name.replace("_", "").lower() for name in names()]
    twice = {name for name in plain if plain.count(name) > 1}
    assert {"datetime", "filename"} >= twice  # ours, which mean Faker's own date_time and file_name


def test_an_unknown_name_names_the_nearest() -> None:
    """Also in capitals."""
    assert ("FAKER has no EMIAL", 'Did you mean "email"?') == problem_of("EMIAL")
    assert problem_of("email") is None
    assert problem_of("") is not None


def test_validating_imports_no_faker() -> None:
    """It takes longer than all the rest."""
    code = "import sys, testmesh_engine.language.validate, testmesh_engine.runtime.step; print('faker' in sys.modules)"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "False\n" == found.stdout
