"""What an expression always is: told before a run, as such an assertion tests nothing."""

from __future__ import annotations

import pytest

from testmesh_engine.expressions import compile_expression


@pytest.mark.parametrize(
    ("text", "always"),
    [
        ("true", True),
        ("1 == 1", True),
        ("200 == 200.0 // status", True),
        ("1 == 2", False),
        ("status >= 0 or true", True),
        ("false and status == 200", False),
        ("not (status == 1 and false)", True),
        ("status == 1 ? true : 2 > 1", True),
        ("true ? 1 > 2 : status == 1", False),
        ("len([1]) == 1", True),
        ("status == 200", None),
        ("status == 1 or false", None),
        ("status == 1 ? true : false", None),
        ("$env == 1", None),
        ('"x" in $env', None),
        ("now() > date('2020-01-01')", None),
        ("1 / 0 == 1", None),
        ("1 + 1", None),
        ("${FLAG}", None),
    ],
)
def test_it_always_is(text: str, *, always: bool | None) -> None:
    """By its text alone; ``None`` where names, or the time, have a say."""
    assert always is compile_expression(text).always


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("[status, 1]", "list"),
        ("{a: status}", "map"),
        ('"${status}"', "text"),
        ("'a'", "text"),
        ("1.5", "number"),
        ("status", None),
        ("[status] == [1]", None),
    ],
)
def test_the_kind_that_is_written_is_known(text: str, kind: str | None) -> None:
    """A list, a map or a text is never true or false."""
    assert kind == compile_expression(text).kind
