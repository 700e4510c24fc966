"""The line to paste, made of one line alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from testmesh_engine.language.load import load_documents
from testmesh_engine.language.nodes import Source, plain
from testmesh_engine.language.quoting import (
    cut_off_hint,
    is_collection,
    items_quoted,
    missing_brackets,
    no_space_hint,
    placeholders_quoted,
    quoted,
    quoted_line,
)


@pytest.mark.parametrize(
    ("raw", "column", "line"),
    [
        ("  - !(a >= 1)  # why", 4, "- '!(a >= 1)'  # why"),
        ("  - any(body.items, # > 1)", 4, "- 'any(body.items, # > 1)'"),
        ("  - 'a' == b", 4, "- \"'a' == b\""),
        ("- when: !x", 8, "- when: '!x'"),
        ("url: @x", 5, "url: '@x'"),
        ('"a b": @x', 7, "\"a b\": '@x'"),
        ("assert: [!a, b == 1]", 9, "assert: ['!a', b == 1]"),
        ("assert: [status == 200, !all(x, .ok), b]", 24, "assert: [status == 200, '!all(x, .ok)', b]"),
        ("- {id: a, when: !x, action: delay}", 16, "- {id: a, when: '!x', action: delay}"),
        ('a: [b == "c, d", e]', 4, "a: ['b == \"c, d\"', e]"),
        ("- {a: 1} == b", 2, "- '{a: 1} == b'"),
        ("- it's @ 5", 2, '- "it\'s @ 5"'),
    ],
)
def test_the_value_at_a_column_is_quoted(raw: str, column: int, line: str) -> None:
    """The one that its author meant, with comments, brackets and quotes as they belong together."""
    assert line == quoted_line(raw, column)


@pytest.mark.parametrize(
    ("raw", "line"),
    [
        ("params: [${a}, {{b}}/x, 'c', \"${d}\"]", "params: ['${a}', '{{b}}/x', 'c', \"${d}\"]"),
        ("body: {a: ${x}, b: {{y}}, c: {d: ${z}/q}}", "body: {a: '${x}', b: '{{y}}', c: {d: '${z}/q'}}"),
        ("body: [[${a}, 1], ${b ? 'c' : 'd'}]", "body: [['${a}', 1], \"${b ? 'c' : 'd'}\"]"),
    ],
)
def test_every_placeholder_of_a_collection_is_quoted(raw: str, line: str) -> None:
    """With the text that it stands in; what is quoted stays."""
    assert line == placeholders_quoted(raw)


@pytest.mark.parametrize(
    ("raw", "missing"),
    [("a: [1, 2", "]"), ("a: {b: [1, {c: 2", "}]}"), ("a: {b: len(c[0]), d: '{'", "}"), ("a: [1]", ""), ("a: b[0", "")],
)
def test_the_brackets_that_are_missing_are_yamls_own(raw: str, missing: str) -> None:
    """Not those of an expression or a quoted text."""
    assert missing == missing_brackets(raw)


def test_text_that_yaml_ended_is_told_from_text_that_ended() -> None:
    """At a comma of a list, or at a comment."""
    assert "at a comma" in cut_off_hint("a: [all(b, .c), d]", 4, "all(b")
    assert "for a comment" in cut_off_hint("- any(b, #.c)", 2, "any(b,")
    assert not cut_off_hint("a: [b == 1, c]", 4, "b == 1")
    assert not cut_off_hint("- b == 1", 2, "b == 1")


def test_a_missing_space_is_shown() -> None:
    """A URL misses none."""
    assert "Put a space after the colon:  action: delay" == no_space_hint("action:delay")
    assert not no_space_hint("http://h")


@pytest.mark.parametrize(
    ("raw", "line"),
    [
        ("a: [x, y[0], z[1] ]", "a: [x, 'y[0]', 'z[1]' ]"),
        ("a: [b == {}, \"c\" == d, \"e\", 'it''s', [f[0]]]", "a: ['b == {}', '\"c\" == d', \"e\", 'it''s', ['f[0]']]"),
        ("- {a: {b: c[0], d: {{e}}}, f: ['g'], h: '${i}'}", "- {a: {b: 'c[0]', d: '{{e}}'}, f: ['g'], h: '${i}'}"),
        ("a: b[0]", "a: b[0]"),
        ("a: [b, c]", "a: [b, c]"),
    ],
)
def test_every_item_that_needs_quotes_gets_them(raw: str, line: str) -> None:
    """All of them at once, wherever they stand in the collections of the line."""
    assert line == items_quoted(raw)


def test_a_collection_ends_with_what_closes_it() -> None:
    """Text that goes on behind it was meant for an expression."""
    assert all(is_collection(text) for text in ("[a, b[0]]", "{a: '}'}"))
    assert not any(is_collection(text) for text in ("[a] == b", "[a] == [b]", "[a", "a[0]"))


@given(st.text(st.characters(min_codepoint=32, blacklist_categories=("Cc", "Cs", "Zl", "Zp", "Cn", "Co")), max_size=30))
def test_what_is_quoted_is_read_as_it_was(text: str) -> None:
    """Whatever stands in it."""
    (document,) = load_documents(f"a: {quoted(text)}\n", Source(name="t"))
    assert {"a": text} == plain(document.root)


@given(st.text("ab:#!&*[]{}\"'$, -@(%", max_size=30), st.integers(0, 30))
def test_no_line_makes_it_crash(raw: str, column: int) -> None:
    """Nor does it lose any of it but blanks at the ends."""
    line = quoted_line(raw, column)
    assert len(line) >= len(raw.strip())
    placeholders_quoted(raw)
    missing_brackets(raw)
    assert len(items_quoted(f"a: [{raw}")) >= len(f"a: [{raw}")
