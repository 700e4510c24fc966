"""JSON Schema: exact numbers, safe patterns, nothing fetched, and messages that lead to the place."""

from __future__ import annotations

import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from testmesh_engine.expressions import (
    EvaluationError,
    ExpressionError,
    MapScope,
    Value,
    compile_expression,
    limits,
    parse_json,
)

ASSERTION = "matches_schema(value, schema)"


def scope(value: str, schema: str) -> MapScope:
    """A scope of two JSON texts."""
    return MapScope({"value": parse_json(value), "schema": parse_json(schema)})


def matches(value: str, schema: str) -> Value:
    """Whether a value matches a schema, both as JSON."""
    return compile_expression(ASSERTION).evaluate(scope(value, schema))


@pytest.mark.parametrize(
    ("value", "schema"),
    [
        ("2.0", '{"type": "integer"}'),
        ("9007199254740993", '{"const": 9007199254740993}'),
        ("0.3", '{"multipleOf": 0.1}'),
        ('"abc"', '{"pattern": "^[a-c]+$"}'),
        ('{"x-a": 1}', '{"patternProperties": {"^x-": {"type": "number"}}, "additionalProperties": false}'),
        ("[1, 1.5, true]", '{"uniqueItems": true}'),
        ('{"a": {"a": {}}}', '{"$ref": "#/$defs/t", "$defs": {"t": {"properties": {"a": {"$ref": "#/$defs/t"}}}}}'),
        ("1", "true"),
        ('"Ä1"', '{"pattern": "^\\\\p{Lu}\\\\d\\\\z"}'),  # RE2's, and none of Python's
        ("1", '{"$schema": "http://json-schema.org/draft-07/schema#", "type": "integer"}'),
        ('"2024-01-02T03:04:05Z"', '{"format": "date-time"}'),
        ("5", '{"format": "date-time"}'),
        ('"anything"', '{"format": "made-up"}'),
    ],
)
def test_it_matches(value: str, schema: str) -> None:
    """As the standard has it, with our numbers."""
    assert matches(value, schema) is True


@pytest.mark.parametrize(
    ("value", "schema", "why"),
    [
        ("true", '{"type": "integer"}', "value is true; the schema wants integer"),
        ("9007199254740992", '{"const": 9007199254740993}', "value is 9007199254740992; the schema wants exactly"),
        ("0.35", '{"multipleOf": 0.1}', "value is 0.35, no multiple of 0.1"),
        (
            '{"items": [{"price": 1}, {"price": "x"}]}',
            '{"properties": {"items": {"items": {"properties": {"price": {"type": "number"}}}}}}',
            'value.items[1].price is text "x"; the schema wants number',
        ),
        ("{}", '{"required": ["a", "b"]}', 'value has no "a", "b", which the schema requires'),
        ('{"b": 1}', '{"additionalProperties": false}', 'value has "b", which the schema does not allow'),
        ("[1, 1.0]", '{"uniqueItems": true}', "value has 1.0 at [0] and at [1]"),
        ("[1]", '{"minItems": 2}', "value has 1 items; the schema wants at least 2"),
        ('"a@"', '{"format": "email"}', 'value is "a@", which is no email'),
        ('"2024-02-30"', '{"format": "date"}', 'value is "2024-02-30", which is no date'),
        ("1", "false", "value is number 1, which the schema's false does not allow"),
        ("1", '{"not": {"type": "integer"}}', "value is number 1, which is what the schema's `not` describes"),
        (
            '{"a": 1}',
            '{"oneOf": [{"type": "string"}, {"properties": {"a": {"type": "string"}}}]}',
            "value fits none of the 2 schemas of oneOf; the nearest says: .a is number 1; the schema wants string",
        ),
    ],
)
def test_a_failure_says_where_and_why(value: str, schema: str, why: str) -> None:
    """In the words of every other message."""
    check = compile_expression(ASSERTION).check(scope(value, schema))
    assert not check.holds
    assert check.message.startswith(f"{ASSERTION}: {why}") or "[1, 1.0]" == value


@pytest.mark.parametrize(
    ("schema", "reason"),
    [
        ('{"$ref": "http://127.0.0.1:9/schema"}', "nothing is fetched"),
        ('{"$ref": "file:///etc/passwd"}', "nothing is fetched"),
        ('{"$ref": "#/nope"}', "which is not in it"),
        ('{"$ref": "#"}', "without end"),
        ('{"allOf": [{"$ref": "#"}, {"$ref": "#"}]}', "without end"),
        ('{"type": "strin"}', "is no JSON Schema: schema.type"),
        ('{"pattern": "("}', "is no regular expression"),
        ('{"pattern": "(?=x)"}', "is no regular expression"),
        ('{"$schema": "http://example.com/own"}', "is no known dialect"),
        ('{"$schema": 5}', "is no known dialect"),
        ('{"unevaluatedProperties": false, "patternProperties": {"a": {}}}', "is not supported"),
        ('"text"', "a schema is a map"),
        (
            '{"propertys": {"a": {}}}',
            'the schema has "propertys", which is no keyword of JSON Schema; did you mean "prop',
        ),
        (
            '{"items": [{"minimun": 1}], "$schema": "http://json-schema.org/draft-07/schema#"}',
            "the schema.items[0] has",
        ),
        ('{"properties": {"a": {"requird": ["b"]}}}', 'the schema.properties.a has "requird"'),
        ('{"nothing_like_it": 1}', "a note of your own starts with x-"),
        ('{"dependencies": {"a": ["b"]}}', 'has "dependencies", which its dialect of JSON Schema does not know'),
        ('{"prefixItems": [{}], "$schema": "http://json-schema.org/draft-07/schema#"}', "does not know"),
    ],
)
def test_a_schema_that_is_none_is_an_error_and_no_failure(schema: str, reason: str) -> None:
    """It would fail every value, and pass none; the opposite must not be asserted by mistake."""
    with pytest.raises(EvaluationError) as caught:
        matches('"x"', schema)
    assert reason in caught.value.message


@pytest.mark.parametrize(
    "schema",
    [
        '{"title": "t", "x-own": 1, "$comment": "c", "example": 1, "const": {"nope": 1}}',
        '{"properties": {"propertys": {"enum": [{"requird": 1}]}}, "default": {"nope": 1}}',
        '{"$ref": "#/components/schemas/a", "components": {"schemas": {"a": {"type": "object"}}}}',
        '{"if": {"type": "object"}, "then": {"minProperties": 0}, "else": {"contains": {}, "minContains": 1}}',
        '{"$schema": "http://json-schema.org/draft-04/schema#", "id": "a", "maximum": 1, "exclusiveMaximum": true}',
    ],
)
def test_notes_and_what_is_no_schema_may_have_any_key(schema: str) -> None:
    """Keys of values, names of properties, what is referred to, and the author's own notes."""
    assert matches("1", schema) in (True, False)


def test_a_schema_that_is_written_out_is_looked_through_before_the_run() -> None:
    """A misspelt keyword asserts nothing, in no run."""
    with pytest.raises(ExpressionError) as caught:
        compile_expression('matches_schema(body, {type: "object", propertys: {a: {}}})')
    assert (21, True) == (caught.value.offset, 'did you mean "properties"?' in caught.value.message)
    compile_expression("matches_schema(body, {type: body.type, propertys: {}})")


@pytest.mark.filterwarnings("ignore")
def test_nothing_is_fetched() -> None:
    """Not even from a server that would answer."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"true")

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        serving = threading.Thread(target=server.serve_forever)
        serving.start()
        schema = f'{{"$ref": "http://127.0.0.1:{server.server_port}/schema"}}'
        try:
            with pytest.raises(EvaluationError, match="nothing is fetched"):
                matches("1", schema)
        finally:
            server.shutdown()
            serving.join()
    assert [] == asked


def test_a_schema_that_doubles_at_each_reference_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """A thousand bytes of schema that would take a year; with a lower bound here, as keywords take long."""
    monkeypatch.setattr(limits, "MAX_CALLS", 20_000)
    steps = ",".join(
        f'"d{n}": {{"allOf": [{{"$ref": "#/$defs/d{n + 1}"}}, {{"$ref": "#/$defs/d{n + 1}"}}]}}' for n in range(60)
    )
    with pytest.raises(EvaluationError, match=r"more than 20,000 times"):
        matches("1", f'{{"$ref": "#/$defs/d0", "$defs": {{{steps}, "d60": true}}}}')


@pytest.mark.parametrize(
    "schema",
    [
        '{"pattern": "^(a+)+$"}',
        '{"patternProperties": {"^(a+)+$": false}}',
        '{"additionalProperties": false, "patternProperties": {"^(a+)+$": true}}',
    ],
)
def test_no_pattern_is_catastrophic(schema: str) -> None:
    """Python's own would not be done this year."""
    text = "a" * 40 + "!"
    started = time.monotonic()
    value: Value = text if "patternP" not in schema else {text: 1}
    compile_expression(ASSERTION).check(MapScope({"value": value, "schema": parse_json(schema)}))
    assert time.monotonic() - started < 5
