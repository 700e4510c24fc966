"""Assertions: whether they hold, and what a person reads where they do not."""

from __future__ import annotations

from decimal import Decimal

import pytest

from testmesh_engine.contract.result import Operand
from testmesh_engine.expressions import Check, MapScope, compile_expression, parse_json

SCOPE = MapScope(
    {
        "status": 500,
        "body": parse_json(
            '{"id": "42", "total": 59.97, "ok": false, "none": null,'
            ' "items": [{"sku": "a", "qty": 1}, {"sku": "b", "qty": 3}]}'
        ),
        "rows": parse_json('[{"ok": true, "n": 1}, {"ok": true, "n": 2}, {"ok": false, "n": 3}]'),
        "messages": [],
        "text": "x" * 5000,
    }
)


def check(text: str) -> Check:
    """The check of an assertion over the scope above."""
    return compile_expression(text).check(SCOPE)


def test_an_assertion_that_holds_has_nothing_to_say() -> None:
    """No message, no operands."""
    assert Check(holds=True) == check("status == 500")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("status == 200", "status is 500"),
        ("body.total == 59.98", "body.total is 59.97"),
        ("59.98 == body.total", "body.total is 59.97"),
        ("body.total == status", "body.total is 59.97, status is 500"),
        ("body.id == 42", 'body.id is text "42" against number 42'),
        ("42 == body.id", 'number 42 against text "42"'),
        ("body.id == nil", 'body.id is "42"'),
        ("body.none != nil", "body.none is nil"),
        ("body.none == 1", "body.none is nil"),
        ("status != 500", "status is 500"),
        ("status != 250 + 250", "status is 500"),
        ("body.totl == 59.98", 'body has no "totl"; did you mean "total"?'),
        ("body.xyz == 1", 'body has no "xyz"; it has "id", "total", "ok", "none", "items"'),
        ("body.xyz != 1", 'body has no "xyz"; it has "id", "total", "ok", "none", "items"'),
        ("rows[3].n == 1", "rows has 3 items, so there is no [3]"),
        ("messages[0].value == 1", "messages has no items, so there is no [0]"),
        ("len(messages) > 0", "len(messages) is 0 (messages is [])"),
        ("status >= 200 and status < 300", "status is 500"),
        ("status == 200 or status == 201", "status is 500"),
        ("not (status == 500)", "status == 500 is true (status is 500)"),
        ("body.ok", "body.ok is false"),
        ("body.ok == true", "body.ok is false"),
        ("status in [200, 201]", "status is 500"),
        ('body.id contains "7"', 'body.id is "42"'),
        ('body.id matches "^a"', 'body.id is "42"'),
        ("body.id is number", 'body.id is text "42"'),
        ("body.none is not null", "body.none is nil"),
        ("body.zzz exists", 'body has no "zzz"; it has "id", "total", "ok", "none", "items"'),
        ("body.zzz.deeper exists", 'body has no "zzz"; it has "id", "total", "ok", "none", "items"'),
        ("rows[7] exists", "rows has 3 items, so there is no [7]"),
        ("nope exists", "nothing is called `nope`"),
        ("all(rows, .ok)", 'rows[2].ok is false; rows[2] is {"ok":false,"n":3}'),
        ("all(rows, {.n < 3})", 'rows[2].n is 3; rows[2] is {"ok":false,"n":3}'),
        ("all(rows, # == 1)", 'rows[0] is map {"ok":true,"n":1} against number 1'),
        ("all(rows, .okk == true)", 'rows[0]: the item has no "okk"; did you mean "ok"?; rows[0] is {"ok":true,"n":1}'),
        ("all(body.items, .qty == 1)", 'body.items[1].qty is 3; body.items[1] is {"sku":"b","qty":3}'),
        ("none(rows, .ok)", 'rows[0] does: it is {"ok":true,"n":1}'),
        ("any(messages, .n == 1)", "messages is empty"),
        (
            "any(rows, .n == 7)",
            "none of 3 items of rows do: .n is 1, 2, 3",
        ),
        ('body.items == [{"sku": "a", "qty": 1}, {"sku": "b", "qty": 2}]', "body.items[1].qty is 3, not 2"),
        ('body.items[0] == {"sku": "a", "qty": "1"}', 'body.items[0].qty is number 1 against text "1"'),
        ('body.items[0] == {"sku": "a"}', "body.items[0].qty is 1, and should not be there"),
        ('body.items[0] == {"sku": "a", "qty": 1, "x y": 2}', 'body.items[0] has no "x y", which should be 2'),
        ("map(rows, .n) == [1, 2]", "map(rows, .n) has 3 items, not 2: 3 at [2] is one more"),
        ("status + 1 == 200", "status + 1 is 501 (status is 500)"),
        ("let n = body.total; n > 60", "n is 59.97"),
        ("status > 100 ? body.ok : true", "status > 100 is true, and body.ok is false"),
        ('"${body.id}!" == "43!"', '"${body.id}!" is "42!"'),
        ("text == 'y'", 'text is "' + "x" * 199 + "…"),
        ("status", "it is number 500, neither true nor false"),
        ("body.none", "it is nil, neither true nor false"),
        ("body.id > 5", '`>` takes two numbers or two texts: body.id is text "42", number 5'),
        ("(status + 1) * 2 == 1 and true", "(status + 1) * 2 is 1002 (status is 500)"),
    ],
)
def test_a_failed_assertion_says_why(text: str, why: str) -> None:
    """The expression as written, then the value of every operand in it and why it does not hold."""
    checked = check(text)
    assert not checked.holds
    assert f"{text}: {why}" == checked.message


def test_every_operand_is_reported_with_its_value() -> None:
    """Also those of the side that was not reached."""
    operands = check("status == 200 and body.total == 59.98 and len(rows) == 3").operands
    assert (Operand(source="status", value=500), Operand(source="body.total", value=Decimal("59.97"))) == operands[:2]
    assert ["len(rows)", "rows"] == [operand.source for operand in operands[2:]]


def test_a_large_operand_is_cut() -> None:
    """The whole response stands beside it in the report."""
    (operand,) = check("text == 'y'").operands
    assert isinstance(operand.value, str)
    assert 4001 == len(operand.value)


@pytest.mark.parametrize("text", ["body.nope > 1", "status", "1 / 0 == 1", "nope"])
def test_what_could_not_be_evaluated_is_told_apart_from_what_is_false(text: str) -> None:
    """A step that asserts the opposite must not pass on it."""
    assert not check(text).evaluated
    assert check("status == 200").evaluated


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("body.totl == 59.97", 'body has no "totl"; did you mean "total"?'),
        ("status == 200 or body.totl == 59.97", 'status is 500; body has no "totl"; did you mean "total"?'),
        ("body.id == 42 or body.totl == 59.97", 'body.id is text "42" against number 42; body has no "totl"; did'),
        ("none(rows, .nn == 1)", 'no item of rows can be compared: the item has no "nn"'),
        ("not any(rows, .nn == 1)", 'no item of rows can be compared: the item has no "nn"'),
        ("any(rows, .nn == 1) == false", 'no item of rows can be compared: the item has no "nn"'),
        ("any(rows, .nn == 1)", 'none of 3 items of rows do: the item has no "nn"'),
        ("count(rows, .nn == 1) == 0", 'no item of rows can be compared: the item has no "nn"'),
        ("len(filter(rows, .nn == 1 and .ok)) == 0", 'no item of rows can be compared: the item has no "nn"'),
        ("find(rows, .nn == 1) == nil", 'no item of rows can be compared: the item has no "nn"'),
        ("let found = filter(rows, .nn == 1); len(found) == 0", "no item of rows can be compared"),
        ("none(rows, .nn == 1 or .n == 'a')", "no item of rows can be compared"),
    ],
)
def test_what_only_an_absent_key_decides_has_no_value(text: str, why: str) -> None:
    """A misspelt key must pass neither here nor where the opposite is asserted."""
    checked = check(text)
    assert (False, False, "") == (checked.holds, checked.evaluated, checked.warning)
    assert checked.message.startswith(f"{text}: {why}"), checked.message
    assert 'no "totl"' in checked.message or 'no "nn"' in checked.message


@pytest.mark.parametrize(
    "text",
    [
        "status == 200 and body.totl == 5",
        "not (body.id == nil)",
        "not (body.totl exists)",
        "!((body.totl ?? 1) == 5)",
        "none(rows, (.nn ?? nil) == 1)",
        "none([{n: 1}, {m: 1}], .n == 7)",
        "none([{m: 1}, {n: 1}], .n == 7)",
        "none(messages, .n == 7)",
        "none(rows, .n == 7 and .nn == 1)",
    ],
)
def test_what_another_part_decides_may_lack_a_key(text: str) -> None:
    """Lists may be mixed, and what decides is what counts."""
    assert check(text).evaluated


def test_all_items_of_a_long_list_are_looked_at_before_a_warning() -> None:
    """One item that can be compared is enough for none."""
    scope = MapScope({"rows": [*({"id": "a"} for _ in range(1500)), {"id": 7}]})
    checked = compile_expression("none(rows, .id == 5)").check(scope)
    assert (True, "") == (checked.holds, checked.warning)


def test_unequal_kinds_hold_with_a_warning() -> None:
    """A comparison that can never be false proves nothing."""
    checked = check("body.id != 42")
    assert checked.holds
    assert 'body.id is text "42" against number 42' in checked.warning
    assert ("body.id", "42") == (checked.operands[0].source, checked.operands[0].value)
    assert "" == check("body.id != nil").warning
    assert "" == check("body.id != 'x'").warning


@pytest.mark.parametrize(
    ("text", "holds", "why"),
    [
        ("not (body.id == 42)", True, 'body.id is text "42" against number 42'),
        ("!(body.id == 42 and status == 500)", True, 'body.id is text "42" against number 42'),
        ("!(body.id == 42 or status == 200)", True, 'body.id is text "42" against number 42'),
        ("status == 200 or body.id != 42", True, 'body.id is text "42" against number 42'),
        ("not (42 in [body.id])", True, "number 42 is looked for, and the items are text"),
        ("42 not in [body.id]", True, "number 42 is looked for, and the items are text"),
        ("none(rows, .n == '1')", True, 'rows[0].n is number 1 against text "1"'),
        ("all(rows, .n != '1')", True, 'rows[0].n is number 1 against text "1"'),
        ("len(filter(rows, .n == '1')) == 0", True, 'against text "1"'),
        ("count(rows, .n == '1') < 1", True, 'against text "1"'),
        ("find(rows, .n == '1') == nil", True, 'against text "1"'),
        ("let x = body.id; x != 42", True, 'x is text "42" against number 42'),
        ("true ? body.id != 42 : false", True, 'body.id is text "42" against number 42'),
        ("body.id == 42", False, 'body.id is text "42" against number 42'),
        ("any(rows, .n == '1')", False, 'rows[0].n is number 1 against text "1"'),
        ("body.id in [41, 42]", False, 'text "42" is looked for, and the items are number'),
        ("status == 500 and body.id == 42", False, 'body.id is text "42" against number 42'),
    ],
)
def test_what_kinds_alone_decide_is_a_warning(text: str, *, holds: bool, why: str) -> None:
    """Whatever the values are, it would have come out so; also where it is the opposite that is asserted."""
    checked = check(text)
    assert holds is checked.holds
    assert checked.warning.endswith(why), checked.warning


@pytest.mark.parametrize(
    "text",
    [
        "not (status == 200)",
        "status == 500 or body.id != 42",
        "!(status == 200 and body.id == 42)",
        "none(rows, .n == 7)",
        "none(messages, .n == '7')",
        "len(filter(rows, .n == 7)) == 0",
        "none([1, '2'], # == 3)",
        "body.id not in [1, '2']",
        "status == 200",
        "body.none == 42",
        "body.nope == 42",
        "not (body.none == 42)",
    ],
)
def test_what_values_decide_is_none(text: str) -> None:
    """A warning that is no use is soon not read."""
    assert "" == check(text).warning


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("one(rows, .ok)", "2 of 3 items of rows do: [0], [1]"),
        ("any(rows, .n > 7)", "none of 3 items of rows do: .n is 1, 2, 3"),
        ("approx(body.total, 60, 0.01)", "body.total is 59.97, which differs by 0.03"),
        ("body.id in [42]", 'body.id is "42": text is looked for, and the items are number'),
        ('text endsWith "z"', 'text ends with "…' + "x" * 60 + '"'),
        ("text == other", "text differs from character 102 on"),
        ("other == third", f'other differs from character 102 on: it is "…{"x" * 20}y", not "…{"x" * 20}z"'),
        ("date('2024-01-02').Before(date('2024-01-01'))", "date('2024-01-02').Before(date('2024-01-01')) is false"),
    ],
)
def test_each_operator_says_the_most_useful_thing(text: str, why: str) -> None:
    """Where it differs, or which items do, and not two screens of JSON."""
    scope = MapScope(
        {
            **{name: SCOPE.lookup(name) for name in ("rows", "body", "text")},  # type: ignore[dict-item]  # all are there
            "other": "x" * 101 + "y",
            "third": "x" * 101 + "z",
        }
    )
    assert compile_expression(text).check(scope).message.startswith(f"{text}: {why}")


def test_values_that_no_float_has_are_reported_exactly() -> None:
    """A report never shows another number than the one that was compared."""
    scope = MapScope({"a": Decimal("0.1234567890123456789")})
    (operand,) = compile_expression("a == 1").check(scope).operands
    assert Decimal("0.1234567890123456789") == operand.value


def test_the_line_end_of_a_folded_text_is_not_shown() -> None:
    """YAML's ``>`` leaves one, and a message of two lines is none."""
    found = check("status == 200\n  and status == 201\n")
    assert "status == 200\n  and status == 201: status is 500" == found.message
    assert "status == 200" == compile_expression(" status == 200\n").source
