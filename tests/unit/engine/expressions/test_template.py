"""Templates: placeholders in configuration."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given

from testmesh_engine.expressions import (
    EvaluationError,
    ExpressionError,
    MapScope,
    Value,
    compile_template,
    equal,
    parse_json,
)
from unit.engine.expressions.strategies import nearly_expressions, values

SCOPE = MapScope(
    {
        "U": "http://localhost:5001",
        "id": 42,
        "price": Decimal("59.90"),
        "ok": True,
        "none": None,
        "empty": "",
        "items": [1, {"a": "x"}],
        "body": parse_json('{"name": "Ann", "list": [{"id": 1}], "a b": 2}'),
        "data": b"\x00",
    }
)


def rendered(value: Value) -> Value:
    """The template rendered over the scope above."""
    return compile_template(value).render(SCOPE)


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("${U}/api/v1/users", "http://localhost:5001/api/v1/users"),
        ("{{U}}/{{ id }}", "http://localhost:5001/42"),
        ("{{id}}", 42),
        ("  ${id}\n", 42),
        ("${price}", Decimal("59.90")),
        ("costs ${price}", "costs 59.90"),
        ("${ok} ${none} ${items}", 'true null [1,{"a":"x"}]'),
        ("${items}", [1, {"a": "x"}]),
        ("x${data}", "xAA=="),
        ("${body.list[0].id}", 1),
        ('${body["a b"]}', 2),
        ("${body.name:nobody}", "Ann"),
        ("${nope:http://localhost:1/x?a=b}", "http://localhost:1/x?a=b"),
        ("${nope:}", ""),
        ("${nope.deeper:d}", "d"),
        ("${none:d}", None),
        ("${none:-d}", "d"),
        ("${empty:-d}", "d"),
        ("${empty:d}", ""),
        ("${nope:8080}", "8080"),
        ("${nope:${U}/x}", "http://localhost:5001/x"),
        ('${nope:{"a": 1}}', '{"a": 1}'),
        ("{{ nope : it's }}", "it's"),
        ('${ok ? "yes" : "no"}', "yes"),
        ("{{ len(items) + 1 }}", 3),
        ('{{ {"a": {"b": id}} }}', {"a": {"b": 42}}),
        ("{{ '}}' }}", "}}"),
        ("{{ none ?? 'd' }}", "d"),
        ("$${U}", "${U}"),
        ("\\{{x}}", "{{x}}"),
        ('{{ "{{" }}', "{{"),
        ("cost: $5 {x} }}", "cost: $5 {x} }}"),
        ({"k-${id}": ["{{id}}", {"deep": "<${id}>"}], "same": 1}, {"k-42": [42, {"deep": "<42>"}], "same": 1}),
        (7, 7),
        (None, None),
    ],
)
def test_placeholders_are_replaced(template: Value, expected: Value) -> None:
    """A value that is only a placeholder keeps its kind; in text it is rendered as JSON, text as it is."""
    assert equal(expected, rendered(template))
    assert type(expected) is type(rendered(template))


def test_in_sql_two_dollars_open_a_quoted_text() -> None:
    """There `$${` is a dollar and a placeholder."""
    assert "DO $$42$$" == compile_template("DO $$${id}$$", sql=True).render(SCOPE)
    assert "DO $${id}$$" == compile_template("DO $$${id}$$").render(SCOPE)


@pytest.mark.parametrize(
    ("template", "reason"),
    [
        ("${nope}", "nothing is called `nope`"),
        ("x-{{ U2 }}", "nothing is called `U2`"),
        ("{{ body.nam }}", 'body has no "nam"; did you mean "name"?'),
        ({"${id}": 1}, "a key is text, not number 42"),
        ({"${ok}x": 1, "truex": 2}, 'the key "truex" comes out twice'),
        ("{{ id + ok }}", "`+` takes two numbers"),
    ],
)
def test_a_placeholder_without_value_is_an_error(template: Value, reason: str) -> None:
    """It is never rendered as nothing."""
    with pytest.raises(EvaluationError) as caught:
        rendered(template)
    assert reason in str(caught.value)


@pytest.mark.parametrize(
    ("template", "path", "offset", "message"),
    [
        ("a ${U", (), 2, "`${` is never closed"),
        ({"a": [1, "xx{{ id +"]}, ("a", 1), 2, "`{{` is never closed"),
        ({"a": [1, "xx{{ id + }}"]}, ("a", 1), 10, "an operand is missing"),
        ({"b": "${}"}, ("b",), 0, "the placeholder is empty"),
        ({"${a b}": 1}, ("${a b}",), 4, "an operator is missing before `b`"),
        ("{{ lenn(x) }}", (), 3, "there is no function `lenn`"),
    ],
)
def test_a_faulty_placeholder_is_found_before_the_run(
    template: Value, path: tuple[str | int, ...], offset: int, message: str
) -> None:
    """With the path of its text and the offset in it."""
    with pytest.raises(ExpressionError) as caught:
        compile_template(template)
    assert (path, offset) == (caught.value.path, caught.value.offset)
    assert message in caught.value.message


def test_names_have_their_place_in_the_tree() -> None:
    """So that an unknown one can be shown in the file."""
    template = compile_template({"url": "${U}/x", "list": ["{{ a.b:1 }}", "{{ len(c) }}"]})
    found = [(use.name, use.path, use.offset, use.optional) for use in template.names]
    assert [("U", ("url",), 2, False), ("a", ("list", 0), 3, True), ("c", ("list", 1), 7, False)] == found


@given(values)
def test_a_tree_without_placeholders_is_itself(value: Value) -> None:
    """And it is known to be constant."""
    try:
        template = compile_template(value)
    except ExpressionError:
        return  # it happened to hold an opening
    if template.constant and "$$" not in str(value) and "\\\\{" not in repr(value):
        assert equal(value, template.render(MapScope({})))


@given(nearly_expressions)
def test_compiling_any_text_ends_in_a_template_or_its_error(text: str) -> None:
    """And rendering it in a value or its error."""
    try:
        template = compile_template(text)
    except ExpressionError:
        return
    try:
        template.render(SCOPE)
    except EvaluationError:
        return


class _TwoOrders(MapScope):
    """A scope in which a placeholder sees a captured `status` before the result's."""

    def in_placeholder(self) -> MapScope:
        """What placeholders see."""
        return MapScope({"status": "captured"})


def test_placeholders_have_the_scope_of_placeholders() -> None:
    """`body.status == "{{status}}"` compares with the captured one."""
    assert "captured" == compile_template("{{status}}").render(_TwoOrders({"status": 200}))
