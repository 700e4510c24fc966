"""Outputs: what a step captures."""

from __future__ import annotations

import pytest

from testmesh_engine.expressions import (
    CaseBlindMap,
    ExpressionError,
    MapScope,
    OutputError,
    Value,
    compile_output,
    equal,
    from_python,
    parse_json,
)

BODY = parse_json(
    '{"id": 7, "status": "pending", "user_id": "u1", "nothing": null, "empty": [], "a b": 1,'
    ' "items": [{"id": 1, "q": 2.5, "s": "x1"}, {"id": 2, "q": "x", "s": "y2"}], "same": 3}'
)
RESULT: dict[str, Value] = {
    "status": 201,
    "body": BODY,
    "headers": CaseBlindMap({"Content-Type": "application/json"}),
    "duration_ms": 3,
    "same": 3,
}
SCOPE = MapScope({**RESULT, "check": {"status": 5}, "U": "http://h", "captured": "c", "id": 9})


def captured(spec: Value, result: dict[str, Value] | None = None) -> Value:
    """What the output captures from the result above."""
    return compile_output(spec, result_keys=list(RESULT)).extract(RESULT if result is None else result, SCOPE)


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ("$.body.id", 7),
        ("$.id", 7),
        ("$.body['a b']", 1),
        ('$["body"]["a b"]', 1),
        ("$.body.nothing", None),
        ("$.body.empty", []),
        ("$.same", 3),
        ("$.body.status", "pending"),
        ("$.headers.content-type", "application/json"),
        ("$.headers['content-type']", "application/json"),
        ("$.body.items.length", 2),
        ("$.body.items[-1].id", 2),
        ("$.body.items[*].id", [1, 2]),
        ("$.items[*].id", [1, 2]),
        ("$.items[0:1].id", [1]),
        ("$.items[?(@.q > 2)].id", [1]),
        ("$.items[?(@.id == 2.0)].id", [2]),
        ("$.items[?(@.s =~ '^y')].id", [2]),
        ("$..q", [parse_json("2.5"), "x"]),
        ("$", BODY),
        ("body.items[*].id", [1, 2]),
        ("items[*].s", ["x1", "y2"]),
        ("status", 201),
        ("body.id", 7),
        ("user_id", "u1"),
        ("id", 7),
        ("items[1].id", 2),
        ("len(body.items)", 2),
        ("check.status", 5),
        ("captured", "c"),
        ("body.id + 1", 8),
        ("${U}/${id}", "http://h/9"),
        ("{{status}}", 201),
        ("hello world", "hello world"),
        (5, 5),
        ({"path": "$.nope", "default": 3}, 3),
        ({"path": "$.items[?(@.id == 9)]", "default": "none"}, "none"),
        ({"path": "body.nope.x", "default": "${captured}"}, "c"),
        ({"path": "$.body.id", "default": 3}, 7),
        ({"path": "$.body.nothing", "default": 3}, None),
    ],
)
def test_it_captures(spec: Value, expected: Value) -> None:
    """JSONPaths, expressions, templates and literals."""
    assert equal(expected, captured(spec))


@pytest.mark.parametrize(
    ("spec", "reason"),
    [
        ("$.body.idd", 'result.body has no "idd"; did you mean "id"?'),
        ("$.nope", 'body has no "nope"'),
        ("$.body.id.x", 'result.body.id is number 7, which has no "x"'),
        ("$.body.items[5].id", "result.body.items has 2 items, so there is no [5]"),
        ("$.items[?(@.id == 9)].id", "nothing in body.items matches, it is"),
        ("$.items[?(@.id == '1')].id", "nothing in body.items matches, it is"),
        ("$.items[*].idd", 'body.items[*] has no "idd"; did you mean "id"? (nor has any other of 2)'),
        ("$.body.itms[*].id", 'result.body has no "itms"; did you mean "items"?'),
        ("$.items[*].id.x", 'body.items[*].id is number 1, which has no "x"'),
        ("body.idd == 5", 'body has no "idd"; did you mean "id"?'),
        ("body.idd", 'body has no "idd"; did you mean "id"?'),
        ("useridd", "nothing is called `useridd`"),
        ("$.status", '$.status could be 201 of the step or "pending" of what it received'),
        ({"path": "body.items + 1", "default": 1}, "`+` takes two numbers"),
    ],
)
def test_nothing_found_fails_and_says_what_is_there(spec: Value, reason: str) -> None:
    """It is never captured as nil."""
    with pytest.raises(OutputError) as caught:
        captured(spec)
    assert reason in str(caught.value)


def test_a_path_that_finds_nothing_does_not_show_all_that_it_looked_through() -> None:
    """The whole response stands beside it."""
    result: dict[str, Value] = {"body": {"items": [{"id": "x" * 500}], "none": []}}
    with pytest.raises(OutputError) as caught:
        captured("$.body.items[?(@.id == 9)]", result)
    assert len(str(caught.value)) < 300
    with pytest.raises(OutputError, match=r"body\.none is empty"):
        captured("$.none[*]", result)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("body id", "body.id"),
        ("status 200", "status == 200"),
        ("len body.items", "len(body.items)"),
        ("body is a word", "body.…"),
        ("hello world", ""),
        ("first name", ""),
        ("status", ""),
        ("'body id'", ""),
    ],
)
def test_a_text_that_looks_like_an_expression_is_told_with_what_it_was_meant_for(text: str, meant: str) -> None:
    """It is taken as it is, and its author should know."""
    assert meant == compile_output(text, result_keys=list(RESULT)).meant


def test_a_filter_of_a_path_compares_what_is_not_there_as_rfc_9535_has_it() -> None:
    """Section 2.3.5.2.2: nothing equals nothing, and differs from all else."""
    assert equal([1, 2], captured("$.items[?(@.nope != 1)].id"))
    with pytest.raises(OutputError):
        captured("$.items[?(@.nope == 1)].id")


def test_both_spellings_of_an_ambiguous_path_are_named() -> None:
    """The author picks one."""
    with pytest.raises(OutputError) as caught:
        captured("$.status")
    assert "write `result.status` or `body.status`" == caught.value.hint


@pytest.mark.parametrize(
    ("result", "spec", "expected"),
    [
        ({"messages": [{"value": {"id": 1}, "key": "k"}], "count": 1}, "$.id", 1),
        ({"messages": [{"value": {"id": 1}, "key": "k"}], "count": 1}, "$.messages[0].key", "k"),
        ({"rows": [{"id": 2}], "first_row": {"id": 2}, "row_count": 1}, "id2", 3),
        ({"rows": [{"id": 2}], "first_row": {"id": 2}, "row_count": 1}, "$.id", 2),
        ({"value": {"id": 4}, "topic": "t"}, "$.id", 4),
        ({"body": [{"id": 5}]}, "$[0].id", 5),
        ({"body": [{"id": 5}]}, "$[*].id", [5]),
    ],
)
def test_a_first_word_that_is_no_result_key_is_looked_up_in_what_was_received(
    result: dict[str, Value], spec: str, expected: Value
) -> None:
    """The body, the first message's value, the first row, a producer's value."""
    scope = MapScope({**result, "id2": 3})
    assert equal(expected, compile_output(spec, result_keys=list(result)).extract(result, scope))


def test_a_step_without_result_says_so() -> None:
    """A delay has nothing to capture from."""
    with pytest.raises(OutputError, match="the step has duration_ms"):
        captured("$.body.id", {"duration_ms": 1})


@pytest.mark.parametrize(
    "spec",
    [
        "$.",
        "$.a[",
        "$.a[?(",
        "body.",
        "len(body",
        "$.a.`parent`",
        "$.a[?(@.b =~ '(')]",
        "$.a[?(@.b.`parent`.c > 1)]",
        {"path": 1},
        {"path": "$.a", "defualt": 1},
    ],
)
def test_a_faulty_output_is_found_before_the_run(spec: object) -> None:
    """Whatever its form."""
    with pytest.raises(ExpressionError):
        compile_output(from_python(spec), result_keys=list(RESULT))


def test_what_an_output_reads_may_come_with_the_response() -> None:
    """So its names are optional before the run."""
    output = compile_output("user_id", result_keys=list(RESULT))
    assert [("user_id", True)] == [(use.name, use.optional) for use in output.names]


@pytest.mark.parametrize(("path", "mine"), [("$.headers.*", "headers.*"), ("$.status[*]", "status[*]")])
def test_an_indefinite_path_that_could_mean_two_things_fails_as_a_definite_one_does(path: str, mine: str) -> None:
    """The step's headers are not what an author means who looks at a body with headers of its own."""
    result: dict[str, Value] = {
        "status": [1],
        "headers": {"content-type": "text/plain"},
        "body": {"headers": {"a": "mine"}, "status": [2]},
    }
    with pytest.raises(OutputError) as error:
        captured(path, result)
    assert f"write `result.{mine}` or `body.{mine}`" == error.value.hint


def test_an_indefinite_path_that_leads_to_one_thing_only_is_not_ambiguous() -> None:
    """Also where the body has the first key, and nothing below it, or the same."""
    result: dict[str, Value] = {"headers": {"a": "b"}, "body": {"headers": {}}}
    assert ["b"] == captured("$.headers.*", result)
    assert ["b"] == captured("$.headers.*", {**result, "body": {"headers": {"a": "b"}}})


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("${$.body.id}", "write `$.body.id` without anything around it, or `body.id` here"),
        ("id {{ $.body.id }}", "write `$.body.id` without anything around it, or `body.id` here"),
    ],
)
def test_a_path_within_a_placeholder_is_refused_with_what_to_write(text: str, hint: str) -> None:
    """It would be found to be no name when the step runs at the earliest."""
    with pytest.raises(ExpressionError, match=r"`\$\.body\.id` is a path, and a placeholder holds none") as error:
        compile_output(text, result_keys=["body"])
    assert (hint, text.index("$.")) == (error.value.hint, error.value.offset)


@pytest.mark.parametrize("spec", ["old", {"path": "old"}])
def test_what_is_called_like_the_output_already_is_not_found_by_its_name(spec: Value) -> None:
    """It is what an earlier step captured."""
    scope = MapScope({"old": "stale"})
    output = compile_output(spec, result_keys=["body"])
    assert 5 == output.extract({"body": {"old": 5}}, scope, name="old")
    for body, why in (({}, 'body has no "old"'), ("text", 'body is text "text"'), (None, "body is nil")):
        with pytest.raises(OutputError, match=why):
            output.extract({"body": body}, scope, name="old")
    with pytest.raises(OutputError, match="the step has received nothing"):
        output.extract({"status": 1}, scope, name="old")
    assert "stale" == output.extract({"body": {}}, scope, name="new")
