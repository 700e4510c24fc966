"""Our cheaper dataclasses: what they do as Python's own."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest

from testmesh_engine.contract import record


def classes(dataclass: Callable[..., Any]) -> dict[str, Any]:
    """The same classes, defined by one ``dataclass`` or the other."""

    @dataclass(frozen=True, slots=True, kw_only=True)
    class Named:
        name: str
        tags: tuple[str, ...] = ()
        note: str = dataclasses.field(default="", compare=False, repr=False)

    @dataclass(slots=True)
    class Counter:
        count: int = 0

    @dataclass(frozen=True, slots=True)
    class Nothing:
        """A class without fields."""

    @dataclass(frozen=True, slots=True, eq=False)
    class Itself:
        name: str

    @dataclass(frozen=True, slots=True)
    class Own:
        name: str

        def __repr__(self) -> str:
            return "own"

        def __eq__(self, other: object) -> bool:
            return isinstance(other, str)

        def __hash__(self) -> int:
            return 7

    return {each.__name__: each for each in (Named, Counter, Nothing, Itself, Own)}


OURS, PYTHONS = classes(record.dataclass), classes(dataclasses.dataclass)
BOTH = pytest.mark.parametrize("kinds", [OURS, PYTHONS], ids=["ours", "Python's"])


@BOTH
def test_equal_fields_make_equal_values(kinds: dict[str, Any]) -> None:
    """Those that count, in one and the same class."""
    named = kinds["Named"]
    assert named(name="a", tags=("x",)) == named(name="a", tags=("x",), note="other")
    assert named(name="a") != named(name="b")
    assert named(name="a") != ("a", ())
    assert kinds["Counter"](1) == kinds["Counter"](1)
    assert kinds["Counter"](1) != kinds["Counter"](2)
    assert kinds["Nothing"]() == kinds["Nothing"]()
    assert kinds["Nothing"]() != kinds["Counter"]()


@BOTH
def test_equal_values_are_one_in_a_set_and_changing_ones_are_in_none(kinds: dict[str, Any]) -> None:
    """As for Python's own: what may change has no hash."""
    named = kinds["Named"]
    assert 1 == len({named(name="a"), named(name="a", note="other")})
    assert 2 == len({kinds["Itself"]("a"), kinds["Itself"]("a")})
    assert 1 == len({kinds["Nothing"](), kinds["Nothing"]()})
    with pytest.raises(TypeError, match="unhashable"):
        hash(kinds["Counter"]())


@BOTH
def test_a_value_shows_its_fields(kinds: dict[str, Any]) -> None:
    """By their names, but for those that are not to be shown."""
    assert "classes.<locals>.Named(name='a', tags=())" == repr(kinds["Named"](name="a", note="hidden"))
    assert "classes.<locals>.Nothing()" == repr(kinds["Nothing"]())


@BOTH
def test_what_a_class_has_of_its_own_stays(kinds: dict[str, Any]) -> None:
    """Its own equality, hash and looks."""
    own = kinds["Own"]("a")
    assert ("own", True, 7) == (repr(own), own == "text", hash(own))


@BOTH
def test_what_dataclasses_offers_works(kinds: dict[str, Any]) -> None:
    """Fields, changed copies, maps."""
    changed = dataclasses.replace(kinds["Named"](name="a"), name="b")
    assert {"name": "b", "tags": (), "note": ""} == dataclasses.asdict(changed)
    assert ["name", "tags", "note"] == [field.name for field in dataclasses.fields(changed)]
    assert not hasattr(changed, "__dict__")


@BOTH
def test_a_required_field_is_required(kinds: dict[str, Any]) -> None:
    """By its name where it is for keywords only."""
    with pytest.raises(TypeError, match="name"):
        kinds["Named"]()
    with pytest.raises(TypeError, match="positional"):
        kinds["Named"]("a")
