"""What becomes of an answer's body, by what it says it is."""

from __future__ import annotations

import pytest

from testmesh_engine.actions.http_message import GarbledError
from testmesh_engine.actions.http_response import body_of


@pytest.mark.parametrize(
    ("content", "kind", "body"),
    [
        (b'{"a": 1}', "application/json", {"a": 1}),
        (b'{"a": 1}', "application/problem+json", {"a": 1}),
        (b'\xef\xbb\xbf{"a": 1}', "text/json", {"a": 1}),
        (b"", "application/json", None),
        (b"", "", ""),
        (b'{"a": 1}', "", {"a": 1}),
        (b"{a", "", "{a"),
        (b'{"a": 1, "a": 2}', "", '{"a": 1, "a": 2}'),
        (b'{"a": 1}\n{"a": 2}', "application/x-ndjson", '{"a": 1}\n{"a": 2}'),
        (b'\x1e{"a": 1}\n', "application/json-seq", '\x1e{"a": 1}\n'),
        (b"f({})", "application/javascript", "f({})"),
        (b"{a", "text/html", "{a"),
    ],
)
def test_a_body_is_what_its_content_type_says(content: bytes, kind: str, body: object) -> None:
    """One without a type is JSON where it is JSON; a stream of documents is text."""
    assert body == body_of(content, kind, "")


@pytest.mark.parametrize("kind", ["application/json", "application/vnd.api+json", "text/json"])
@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"<html>", "Expecting value at line 1, column 1"),
        (b'{"a": 1}\n}', "Extra data at line 2, column 1"),
        (b'{"a": NaN}', "NaN is no JSON"),
        (b"[" * 600 + b"]" * 600, "nested more than 512 deep"),
        (b'{"x": {"a": 1, "b": 0, "a": "two"}}', '"a" stands twice in one object, as 1 and as "two"'),
        (b" ", "Expecting value at line 1, column 2"),
    ],
)
def test_a_body_that_says_it_is_json_must_be(content: bytes, kind: str, why: str) -> None:
    """Nothing is guessed: of a key that stands twice nobody knows which value is meant."""
    with pytest.raises(GarbledError) as error:
        body_of(content, kind, "")
    assert str(error.value).startswith(f"the body says that it is JSON ({kind}), and is not: ")
    assert why in str(error.value)
