"""YAML 1.2's core schema, with places, and an end to every trick."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from testmesh_engine.contract.problem import FlowInvalid
from testmesh_engine.expressions import Value
from testmesh_engine.language.load import load_documents
from testmesh_engine.language.nodes import MapNode, Source, plain


def load(text: str) -> Value:
    """The value of the only document."""
    (document,) = load_documents(text, Source(name="t.yaml", lines=text.splitlines()))
    return plain(document.root)


def problems(text: str) -> list[str]:
    """The headlines of what is wrong."""
    with pytest.raises(FlowInvalid) as raised:
        load(text)
    return [problem.headline() for problem in raised.value.problems]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        *(
            (word, word)
            for word in ("on", "off", "yes", "No", "12:30", "1_000", "2024-01-02", "=", "0o8", "1e", "v1.0")
        ),
        *((word, None) for word in ("", "~", "null", "NULL")),
        *((word, True) for word in ("true", "True", "TRUE")),
        ("010", 10),
        ("-7", -7),
        ("0x1F", 31),
        ("0o17", 15),
        ("9007199254740993", 9007199254740993),
        ("10.00", Decimal("10.00")),
        ("1e3", Decimal(1000)),
        (".5", Decimal("0.5")),
        ('"200"', "200"),
        ("!!str 200", "200"),
    ],
)
def test_scalars_are_read_by_the_core_schema(text: str, value: Value) -> None:
    """Not by YAML 1.1, in which ``on`` is true and ``12:30`` a number."""
    assert {"a": value} == load(f"a: {text}\n")


def test_numbers_keep_their_digits() -> None:
    """10.00 is money."""
    assert "10.00" == str(load("10.00"))


def test_anchors_and_merges_work() -> None:
    """The map's own keys win."""
    assert {"a": 1, "b": 3, "c": 4} == load("base: &b {a: 1, b: 2}\nx: {<<: *b, b: 3, c: 4}\n")["x"]  # type: ignore[call-overload, index]  # a map
    assert {"a": 1, "b": 2} == load("- &x {a: 1}\n- &y {a: 9, b: 2}\n- <<: [*x, *y]\n")[2]  # type: ignore[call-overload, index]  # a list


def test_every_duplicate_key_is_told() -> None:
    """The last one would win in silence."""
    found = problems("a: 1\nb: {c: 1, c: 2}\na: 3\n")
    assert [2, 3] == sorted(int(line.split(":")[1]) for line in found)


def test_a_bomb_of_aliases_is_refused() -> None:
    """A few lines must not become a billion nodes."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    assert "far too large once its aliases" in problems("\n".join(lines))[0]


@pytest.mark.parametrize("text", ["[" * 100_000, "- " * 5_000, "{a: " * 1_000])
def test_deep_nesting_is_refused(text: str) -> None:
    """Before it is deep enough to end the process."""
    assert "nested more than 64 deep" in problems(text)[0]


@pytest.mark.parametrize("form", ["&a{0} [*a{1}]", "&a{0} {{k: *a{1}}}", "&a{0} {{<<: *a{1}, k: *a{1}}}"])
def test_deep_nesting_through_aliases_is_refused(form: str) -> None:
    """Each line is shallow; what they make together is not."""
    lines = ["a0: &a0 {x: 1}", *(f"a{n}: {form.format(n, n - 1)}" for n in range(1, 600))]
    assert "nested more than 64 deep" in problems("\n".join(lines))[0]


def test_aliases_of_aliases_are_read_up_to_the_bound() -> None:
    """Sixty are fine."""
    lines = ["a0: &a0 [1]", *(f"a{n}: &a{n} [*a{n - 1}]" for n in range(1, 61))]
    load("\n".join(lines))


def test_a_list_within_itself_is_refused() -> None:
    """An alias to what is still open would never end."""
    assert "stands inside of what it names" in problems("a: &x [*x]\n")[0]


@pytest.mark.parametrize("number", ["1e99999", "-1e-99999", ".inf", "-.INF", ".nan", "9" * 5000])
def test_numbers_out_of_bounds_are_refused(number: str) -> None:
    """They are refused: the text that was meant is to be quoted."""
    assert 1 == len(problems(number))


def test_places_are_those_of_the_text() -> None:
    """Of keys and of values."""
    text = "a:\n  - b: one\n    ü: two\n"
    (document,) = load_documents(text, Source(name="t", lines=text.splitlines()))
    assert isinstance(document.root, MapNode)
    item = document.root.entries["a"][1].items[0]  # type: ignore[union-attr]  # a list
    assert isinstance(item, MapNode)
    key, value = item.entries["ü"]
    assert ((3, 5), (3, 8), "a[0].ü") == (
        (key.line, key.column),
        (value.line, value.column),
        value.path.replace('["ü"]', ".ü"),
    )


def test_documents_that_are_empty_are_left_out() -> None:
    """A file of manifests often ends in ``---``."""
    assert 2 == len(load_documents("---\na: 1\n---\n# nothing\n---\nb: 2\n---\n", Source(name="t")))


@given(
    st.text(alphabet=st.sampled_from("abc:-[]{}&*!|>'\"%@`#?, \n\t\\0123~<=${}é\u2028\ufeff\x00\ud800"), max_size=60)
)
def test_no_text_makes_it_crash(text: str) -> None:
    """It reads, or it says what it can't read."""
    try:
        load_documents(text, Source(name="t", lines=text.splitlines()))
    except FlowInvalid as error:
        assert error.problems  # noqa: PT017 - most texts raise nothing
