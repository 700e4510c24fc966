"""What kubectl makes of plain scalars, and where a flow's own text means something else.

The expected values are those of kubectl's own packages: tests/integration/engine/test_kubectl_reading.py.
"""

from __future__ import annotations

from decimal import Decimal

import pytest

from support.kubectl_yaml.table import committed
from testmesh_engine.language.kubectl import differences, key_by_kubectl, read_by_kubectl
from testmesh_engine.language.load import load_documents
from testmesh_engine.language.nodes import Source

READ = [(text, found) for text, found in committed().items() if "value" in found]


def different(text: str) -> list[tuple[int, int, str]]:
    """Line, column and message of what the two readings of ``text`` disagree on."""
    source = Source(name="m.yaml", lines=text.splitlines())
    (document,) = load_documents(text, source)
    return [(problem.line, problem.column, problem.message) for problem in differences(document.root, source)]


@pytest.mark.parametrize(("text", "found"), READ, ids=[text for text, _ in READ])
def test_plain_scalars_are_read_as_kubectl_does(text: str, found: dict[str, object]) -> None:
    """By YAML 1.1, with numbers that JSON has."""
    value = read_by_kubectl(text)
    kind = (bool, str, type(None))
    assert (found["value"], isinstance(found["value"], kind)) == (value, isinstance(value, kind))


@pytest.mark.parametrize(("text", "found"), READ, ids=[text for text, _ in READ])
def test_keys_become_the_text_that_kubectl_makes_of_them(text: str, found: dict[str, object]) -> None:
    """A number as a key is written anew; of one with many digits only that it changes is known."""
    key = key_by_kubectl(text)
    assert key == found.get("key", "") or (not key and isinstance(found["value"], (int, Decimal)))


def test_each_value_and_key_that_two_readings_disagree_on_is_named() -> None:
    """With its place; what is quoted, or the same in both, is not."""
    text = 'a: yes\nb: [010, "010", 10, 12:30]\non: 1\nc: {d: 1_000, e: 10.00, f: true, g: ~, h: 0.5}\ni: 1\n'
    found = different(text)
    assert [(1, 4), (2, 5), (3, 1), (4, 8), (4, 18)] == [place[:2] for place in found]
    assert 'kubectl reads yes as true, a flow\'s own text as text "yes"' == found[0][2]
    assert "kubectl reads 010 as 8, a flow's own text as 10" == found[1][2]
    assert 'kubectl reads the key on as "true", a flow\'s own text as "on"' == found[2][2]
    assert "kubectl reads 10.00 as 10, a flow's own text as 10.00" == found[4][2]


@pytest.mark.parametrize(
    ("key", "said"),
    [("010", 'the key 010 as "8"'), ("1.50", 'the key 1.50 as "1.5"'), ("~", "can't keep the key ~"), ("0x1F", '"31"')],
)
def test_a_key_that_is_no_text_to_kubectl_is_named(key: str, said: str) -> None:
    """A header or a column of that name would be another one."""
    ((_, column, message),) = different(f"a: {{{key}: x}}\n")
    assert (5, True) == (column, said in message)


def test_keys_that_both_keep_are_not_named() -> None:
    """Plain digits, short decimals, words."""
    assert not different("200: a\n1.5: b\nname: c\n-7: d\n")


def test_a_key_before_a_merge_is_named() -> None:
    """Kubectl lets the merge win that stands behind a key, this engine never."""
    found = different("x: &x {a: 1, b: 2}\nw: {a: 9, <<: *x}\nz: {<<: *x, a: 9}\nv: {<<: {c: 1}, <<: {c: 2}}\n")
    assert [(2, 5), (4, 10)] == [place[:2] for place in found]
    assert "kubectl takes a from the << behind it, a flow's own text from here" == found[0][2]


def test_integers_beyond_64_bits_lose_their_digits_in_kubectl() -> None:
    """They become floats there."""
    ((_, _, message),) = different("id: 9223372036854775809\n")
    assert (
        "kubectl reads 9223372036854775809 as 9223372036854775808, " in message or "as 9223372036854776000" in message
    )
