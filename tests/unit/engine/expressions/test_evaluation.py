"""What expressions mean: Expr's own documentation, and the lines where our language says otherwise."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given, settings

from testmesh_engine.expressions import (
    EvaluationError,
    ExpressionError,
    MapScope,
    Missing,
    Value,
    compile_expression,
    equal,
    parse_json,
)
from unit.engine.expressions.strategies import expressions, nearly_expressions, numbers, values

SCOPE = MapScope(
    {
        "status": 200,
        "body": parse_json(
            '{"id": "42", "total": 59.98, "nothing": null, "ok": true, "items": [{"n": 1}, {"n": 2}], "in": 7}'
        ),
        "rows": parse_json('[{"total": 59.98, "ok": true}, {"total": 1, "ok": false}]'),
        "array": [1, 2, 3, 4, 5],
        "user": {"Name": "John Smith"},
        "tweets": parse_json('[{"Size": 10, "Content": "a"}, {"Size": 300, "Content": "b"}]'),
        "create-user": {"id": 7},
        "PORT": "8080",
        "PRICE": "10.00",
        "ZIP": "02134",
        "captured": "10.00",
        "name": "x",
        "count": 3,
        "exists": True,
    },
    env=["PORT", "PRICE", "ZIP"],
)


def value_of(text: str) -> Value:
    """The value of an expression over the scope above."""
    return compile_expression(text, dashed=["create-user"]).evaluate(SCOPE)


@pytest.mark.parametrize(
    "text",
    [
        # the seed
        "status == 200",
        "body.id != nil",
        'body.id == "42"',
        "len(rows) > 0",
        "rows[0].total == 59.98",
        "len(body.items) == 2",
        "count >= 2",
        # literals
        "0x2A == 42 and 0o52 == 42 and 0b101010 == 42 and 1_000 == 1000",
        "0.5 == .5",
        "'a\\u00e9\\n' == \"aé\\n\"",
        "`a\\n` == 'a\\\\n'",
        "[1, 2, 3,] == [1, 2, 3]",
        '{a: 1, "b": 2, 3: 4} == {"3": 4, b: 2, "a": 1}',
        "nil == null",
        "status == 200 // a comment",
        "status /* here */ == 200",
        # Expr's language definition
        'user.Name == user["Name"]',
        "array[0] == 1 and array[-1] == 5",
        '"John" in ["John", "Jane"]',
        '"name" in {"name": "John", "age": 30}',
        "array[1:4] == [2, 3, 4] and array[1:-1] == [2, 3, 4] and array[:3] == [1, 2, 3]",
        "array[3:] == [4, 5] and array[:] == array",
        'user.Name | lower() | split(" ") == ["john", "smith"]',
        "1..3 == [1, 2, 3]",
        "let x = 42; x * 2 == 84",
        'let name = user.Name | lower() | split(" "); "Hello, " + name[0] + "!" == "Hello, john!"',
        "len(filter(0..9, {# % 2 == 0})) == 5",
        "filter(tweets, {len(.Content) > 240}) == []",
        "all(tweets, .Size < 280) == false and any(tweets, {.Size > 280}) and one(tweets, .Size > 280)",
        "none(tweets, .Size > 400) and all([], false) and !any([], true) and none([], true)",
        "find([1, 2, 3, 4], # > 2) == 3 and findIndex([1, 2, 3, 4], # > 2) == 2",
        "findLast([1, 2, 3, 4], # > 2) == 4 and findLastIndex([1, 2, 3, 4], # > 2) == 3",
        "find([1], # > 2) == nil",
        "count(tweets, .Size > 20) == 1 and count([true, false, true]) == 2",
        'join(["apple", "orange"], ",") == "apple,orange" and join(["a", "b"]) == "ab"',
        "reduce(1..9, #acc + #) == 45 and reduce(1..9, #acc + #, 10) == 55",
        "sum([1, 2, 3]) == 6 and sum(tweets, .Size) == 310",
        "mean([1, 2, 3]) == 2.0 and median([1, 2, 3]) == 2 and median([1, 2]) == 1.5",
        "first(array) == 1 and last(array) == 5 and first([]) == nil and take(array, 2) == [1, 2]",
        'sort([3, 1, 4]) == [1, 3, 4] and sort([3, 1, 4], "desc") == [4, 3, 1]',
        'map(sortBy(tweets, .Size, "desc"), .Content) == ["b", "a"]',
        "groupBy(tweets, .Size > 20).true[0].Content == 'b'",
        'keys({"name": 1, "age": 2}) == ["name", "age"] and values({"name": 1}) == [1]',
        'trim("  Hello  ") == "Hello" and trim("__Hello__", "_") == "Hello"',
        'trimPrefix("HelloWorld", "Hello") == "World" and trimSuffix("HelloWorld", "World") == "Hello"',
        'upper("hello") == "HELLO" and lower("HELLO") == "hello"',
        'split("apple,orange,grape", ",", 2) == ["apple", "orange,grape"]',
        'splitAfter("apple,orange,grape", ",") == ["apple,", "orange,", "grape"]',
        'replace("Hello World", "World", "Universe") == "Hello Universe" and repeat("Hi", 3) == "HiHiHi"',
        'indexOf("apple pie", "pie") == 6 and lastIndexOf("apple pie apple", "apple") == 10',
        'hasPrefix("HelloWorld", "Hello") and hasSuffix("HelloWorld", "World")',
        "max(5, 7) == 7 and min([5, 7]) == 5 and abs(-5) == 5",
        "ceil(1.5) == 2 and floor(1.5) == 1 and round(1.5) == 2 and round(-1.5) == -2",
        'int("123") == 123 and int(1.9) == 1 and float("123.45") == 123.45 and string(123) == "123"',
        'type(42) == "int" and type("hello") == "string" and type([1]) == "array" and type(nil) == "nil"',
        """toJSON({"name": "John", "age": 30}) == '{"name":"John","age":30}'""",
        """fromJSON('{"name": "John", "age": 30.10}').age == 30.1""",
        'toBase64("Hello World") == "SGVsbG8gV29ybGQ=" and fromBase64("SGVsbG8gV29ybGQ=") == "Hello World"',
        'toPairs({"a": 1}) == [["a", 1]] and fromPairs([["a", 1]]) == {"a": 1}',
        'get([1, 2, 3], 1) == 2 and get([1], 7) == nil and get({"a": 2}, "a") == 2 and get({"a": 2}, "b") == nil',
        "bitand(0b1010, 0b1100) == 0b1000 and bitor(0b1010, 0b1100) == 0b1110 and bitxor(0b1010, 0b1100) == 0b110",
        "bitnand(0b1010, 0b1100) == 0b10 and bitnot(0b1010) == -0b1011",
        "bitshl(0b101101, 2) == 0b10110100",
        "bitshr(0b101101, 2) == 0b1011 and bitushr(-0b101, 2) == 4611686018427387902",
        "uniq([1, 1.0, 2, true]) == [1, 2, true] and flatten([1, [2, [3]]]) == [1, 2, 3]",
        "concat([1], [2]) == [1, 2]",
        "len('añ😀') == 3 and reverse([1, 2]) == [2, 1]",
        # precedence
        "-2 ** 2 == -4 and 2 ** 3 ** 2 == 512 and 2 + 3 * 4 == 14 and 7 % 4 == 3 and -7 % 3 == -1",
        "not false == true",
        "1 < 2 < 3 and !(1 < 3 < 2)",
        "true or false and false",
        "1 in [1] == true",
        "status == 200 ? body.ok : false",
        "(body.ok ?: false) == true",
        "3 not in [1, 2] and 'abc' not contains 'x' and 'abc' not matches '^b'",
        # our own words
        "body.id exists and !body.nope exists and body.nothing exists and !(body.nope.deeper exists)",
        "exists == true",
        "body.id is string and body.total is number and body.items is array and body is object and body.ok is boolean",
        "body.nothing is null and body.id is not null and body.nope is nil and body.total is not string",
        "rows.length == 2 and 'abc'.length == 3",
        "body.id starts_with '4' and body.id ends_with '2' and 'ab' startsWith 'a' and 'ab' endsWith 'b'",
        "[1, 2] contains 2.0 and 'abc' contains 'b'",
        "approx(1/3, 0.3333, 0.001) and !approx(1, 2, 0.5)",
        "'2024-01-02' matches '^\\\\d{4}-' and 'x' matches `^[a-z]$`",
        "body.in == 7",
        "create-user.id == 7 and status-1 == 199",
        "count(rows, .ok) == 1 and count == 3",
        'map(array[:2], "n-${#}") == ["n-1", "n-2"] and all(rows, "${#.total}" == string(.total))',
        "(status == 200 | string()) == 'true' and len(filter(rows, {.ok and ${.ok}})) == 1",
        # exact numbers
        "0.1 + 0.2 == 0.3 and 1/3*3 != 1 and 9007199254740993 != 9007199254740992 and 200 == 200.0",
        "10/4 == 2.5 and 4/2 == 2 and 2 ** -1 == 0.5 and 1e400 > 1e399",
        '{"a": 1} == {"a": 1.0}',
        'string(nil) == "null"',
        # nil and absent
        "body.nope == nil and nil == body.nope and !(body.nope != nil)",
        "(body.nope == 5 or true) and (true ? status == 200 : body.nope == 5)",
        "map(rows, .nope == 1 ? 'a' : 'b') == map(rows, 'b')",
        "(body.nope ?? 5) == 5",
        "(body?.nope?.deeper?.still ?? 5) == 5 and (body.nothing ?? 5) == 5",
        "body.nope?.deeper == nil and body.nothing?.deeper.still == nil and (rows[9] ?? 1) == 1",
        "filter(rows, .nope == nil) | len() == 2",
        # placeholders
        "status == ${status} and status == {{ status }} and 200 == {{ body.ok ? 200 : 1 }}",
        '"id-${body.id}" == "id-42" and body.id == "{{body.id}}"',
        "${PRICE} == 10 and PRICE == '10.00' and '${PRICE}' == '10.00'",
        "${captured} == '10.00' and ${captured:1} == '10.00'",
        "${ZIP} == '02134' and ${PORT} == 8080",
        "${nope:5} == 5 and ${nope:-a b} == 'a b' and ${nope:} == '' and {{ nope : x }} == 'x'",
        "${body.nothing:-7} == 7 and ${body.nothing:7} == nil and ${nope:${PORT}} == 8080",
        '"{{" == "{" + "{"',
    ],
)
def test_it_holds(text: str) -> None:
    """Each line is true."""
    assert value_of(text) is True


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("body.totl != 5", 'body has no "totl"; did you mean "total"?'),
        ("!(body.totl == 5)", 'body has no "totl"; did you mean "total"?'),
        ("not (body.totl == 5 or status == 3)", 'body has no "totl"'),
        ("not (status == 200 and 5 == body.totl)", 'body has no "totl"'),
        ("not (true ? body.totl == 5 : false)", 'body has no "totl"'),
        ("let x = body.totl; not (x == 5)", 'body has no "totl"'),
        ("let same = body.totl == 5; not same", 'body has no "totl"'),
        ("(body.totl == 5) == false", 'body has no "totl"'),
        ("body.totl == 5 ? false : true", 'body has no "totl"'),
        ("all(rows, !(.nope == 5))", 'the item has no "nope"'),
        ("body.totl > 5", 'body has no "totl"'),
        ("body.totl in [1]", 'body has no "totl"'),
        ("not body.totl", 'body has no "totl"'),
        ("body.totl", 'body has no "totl"'),
        ("[body.totl]", 'body has no "totl"'),
        ("len(body.totl)", 'body has no "totl"'),
        ("body.nothing.x", 'body.nothing is nil, so it has no "x"'),
        ("rows[2].total == 1", "rows has 2 items, so there is no [2]"),
        ("rows[2] == nil", "rows has 2 items"),
        ("rows.total", "rows is a list"),
        ("body.id.x", 'body.id is a text "42", which has no "x"'),
        ("status.x", 'status is number 200, which has no "x"'),
        ("nope == 1", "nothing is called `nope`"),
        ("body.id > 5", '`>` takes two numbers or two texts: body.id is text "42", number 5'),
        ("5 < true", "`<` takes two numbers or two texts: number 5, true"),
        ("body.id + 1", "`+` takes two numbers or two texts"),
        ("true + 1", "`+` takes two numbers"),
        ("status and true", "`and` takes true or false: status is number 200"),
        ("status ? 1 : 2", "`?` takes true or false"),
        ("not status == 200", "`not` takes true or false: status is number 200"),
        ('"a" in "abc"', "`in` takes a list or a map on its right"),
        ("body contains 'id'", "`contains` takes two texts, or a list"),
        ("status matches '2'", "`matches` takes two texts: status is number 200"),
        ("1 / 0", "division by zero"),
        ("1 % 0", "division by zero"),
        ("1..200000", "more than 100,000 items"),
        ("-body.id", '`-` takes a number: body.id is text "42"'),
        ("2 ** 100000", "more than 4,300 digits"),
        ("1e6000 * 1e6000", "beyond 10^6144"),
        ("repeat('a', 17000000)", "more than 16 MiB"),
        ("map(1..2000, {map(1..2000, #)})", "more than"),
        ("all(rows, .total)", "gives 59.98 for item 0, which is neither true nor false"),
        ("map(rows, .nope)", 'no value for item 0: the item has no "nope"'),
        ("upper(status)", "`upper` takes a text: status is number 200"),
        ("int('x')", '"x" spells no number'),
        ("sum(['a'])", 'item 0 is text "a", not a number'),
        ("sort([1, 'a'])", "only numbers or only texts"),
        ("fromJSON('{')", "no JSON"),
        ("reduce([], #acc + #)", "the list is empty"),
        ("'a' matches body.id + '('", "no regular expression"),
        ("${nope}", "nothing is called `nope`"),
        ("nope exists", "nothing is called `nope`"),
        ("nope ?? 5", "nothing is called `nope`"),
        ("nope?.x == nil", "nothing is called `nope`"),
        ("body.totl.x ?? 5", 'body has no "totl"; did you mean "total"?'),
        ("body.totl.x?.y", 'body has no "totl"; did you mean "total"?'),
    ],
)
def test_what_has_no_value_says_why(text: str, reason: str) -> None:
    """An error names the operand, its value, and what was expected."""
    with pytest.raises(EvaluationError) as caught:
        value_of(text)
    assert reason in str(caught.value)


@pytest.mark.parametrize(
    ("text", "offset", "message", "hint"),
    [
        ("", 0, "the expression is empty", ""),
        ("status = 200", 7, "`=` can't stand here", "compare with `==`"),
        ("status == ", 10, "an operand is missing, but the text ends", ""),
        ("len(body", 3, "`(` is never closed", "close it with `)`"),
        ("(a", 0, "`(` is never closed", ")"),
        ("a)", 1, "`)` closes nothing", ""),
        ("a b", 2, "an operator is missing before `b`", "operator"),
        ("a contain b", 2, "an operator is missing before `contain`", "did you mean `contains`?"),
        ("lenn(a)", 0, "there is no function `lenn`", "did you mean `len`?"),
        ("a == now().Yeer()", 11, "there are no methods: `.Yeer()`", "did you mean `.Year()`?"),
        ("a.In()", 2, "`.In()` takes 1 arguments, not 0", ""),
        ("a == 1; b == 2", 6, "`;` can't stand here", "write two assertions"),
        ("if a { b }", 10, "`if` needs an `else`", "else { c }"),
        ("if a b", 5, "`if` needs `{ … }`", "else"),
        ("map(rows, {n: .n})", 12, "`:` can't stand here", "{ {key: value} }"),
        ("map(rows, {{n: .n}})", 10, "`{{` opens a placeholder", "write `{ {n: .n} }`"),
        ("::a", 2, "there is no function `a`", ""),
        ('b"\\u0041"', 2, "no escape of bytes", "xNN"),
        ('b"${a}"', 0, "a placeholder can't stand within bytes", ""),
        ("len()", 0, "`len` takes 1 argument, not 0", "len(value)"),
        ("trim(1, 2, 3)", 0, "`trim` takes 1 to 2 arguments, not 3", "trim(text, [chars])"),
        ("a.b()", 2, "there are no methods: `.b()`", "b(…)"),
        ("a & b", 2, "`&` means nothing here", "&&"),
        ('"abc', 0, 'the text that opens with " is never closed', '"'),
        ('a == "\\q"', 6, "`\\q` is no escape of a text", "\\\\"),
        ("12abc", 0, "`12abc` is no number", "quotes"),
        ("a ?? b == c", 7, "`??` and `==` need parentheses", "(a ?? b) == c"),
        ("items[*].id", 6, "`*` can't stand here", "map(items, .key)"),
        (".ok", 0, "`.` stands for the item of a predicate", "all(rows, .ok)"),
        ("# > 1", 0, "`#` stands for the item of a predicate", "all(rows, .ok)"),
        ("a | b", 4, "`|` needs a function", "||"),
        ("a matches '('", 10, "no regular expression", ""),
        ("a matches '(?=x)'", 10, "no regular expression", "RE2 has no look-around"),
        ("a is strin", 5, "after `is` stands null, number", ""),
        ("{{a", 0, "`{{` is never closed", "}}"),
        ("a == ${}", 5, "the placeholder is empty", "name a variable"),
        ("exists(a)", 0, "`exists` is no function", "body.id exists"),
        ("a not exists", 2, "`not` can't stand here", "!("),
        ("let = 1; 2", 4, "`let` needs a name", "let total"),
        ("headers.Content-Type == 'x'", 8, "`Content-Type` is a subtraction here", 'headers["Content-Type"]'),
        ("response.headers.X-Req-Id exists", 17, "`X-Req-Id` is a subtraction here", 'headers["X-Req-Id"]'),
        ("sortBy(rows, 'Age')", 13, "`sortBy` has the same key for every item", "write `.Age`"),
        ("1e9999 == 1", 0, "beyond 10^6144", ""),
        ("9" * 5000, 0, "a number has more than 4,300 digits", ""),
        ("(" * 65 + "1" + ")" * 65, 64, "nested more than 64 deep", "let"),
        ("a" + ".a" * 300, 0, "too long", ""),
    ],
)
def test_a_text_that_is_no_expression_says_where_and_what_to_do(
    text: str, offset: int, message: str, hint: str
) -> None:
    """The offset is that of the culprit, the hint is what to write instead."""
    with pytest.raises(ExpressionError) as caught:
        compile_expression(text)
    assert message in caught.value.message
    assert hint in caught.value.hint
    assert offset == caught.value.offset


@given(nearly_expressions)
def test_compiling_any_text_ends_in_an_expression_or_its_error(text: str) -> None:
    """Nothing else ever comes out, whatever is typed."""
    try:
        compiled = compile_expression(text)
    except ExpressionError as error:
        place = error.offset
    else:
        compiled.check(SCOPE)
        place = 0
    assert 0 <= place <= len(text)


@settings(deadline=None)  # the first schema imports a library
@given(expressions, values, values)
def test_evaluating_ends_in_a_value_or_its_error(text: str, one: Value, other: Value) -> None:
    """And an assertion over it says whether it holds, without ever raising."""
    compiled = compile_expression(text)
    scope = MapScope({"a": one, "b": other, "rows": [one, other]})
    outcome = compiled.check(scope)
    try:
        value = compiled.evaluate(scope)
    except EvaluationError:
        assert not outcome.holds
    else:
        assert (value is True) is outcome.holds
    assert outcome.holds or outcome.message.startswith(text)


@given(numbers, numbers)
def test_sums_and_products_are_exact(one: int | Decimal, other: int | Decimal) -> None:
    """As exact as Decimal is with digits enough."""
    scope = MapScope({"a": one, "b": other})
    assert compile_expression("a + b - b == a").evaluate(scope) is True
    assert compile_expression("(a * b == 0) == (a == 0 or b == 0)").evaluate(scope) is True


@given(values)
def test_equality_of_the_language_is_equality_of_values(value: Value) -> None:
    """`==` on two copies holds, `!=` does not."""
    scope = MapScope({"a": value, "b": parse_json('"never"')})
    assert compile_expression("a == a").evaluate(scope) is True
    assert compile_expression("a == b").evaluate(scope) is equal(value, "never")


def test_long_chains_of_operators_are_refused_and_not_a_crash() -> None:
    """Python's stack is never what ends an evaluation."""
    assert 100 == compile_expression(" + ".join(["1"] * 100)).evaluate(SCOPE)
    for text in (
        "1" + "+1" * 5000,
        "not " * 5000 + "true",
        "2" + "**2" * 5000,
        "true ? 1 : " * 5000 + "1",
        "${a:" * 3000 + "}" * 3000,
    ):
        with pytest.raises(ExpressionError):
            compile_expression(text)


def test_a_result_that_would_have_to_be_rounded_is_refused() -> None:
    """An exact number or none."""
    scope = MapScope({"a": parse_json("0." + "3" * 30_000)})
    with pytest.raises(EvaluationError, match="too many digits"):
        compile_expression("a * 3").evaluate(scope)


def test_predicate_calls_are_bounded() -> None:
    """A million of them, not more."""
    with pytest.raises(EvaluationError, match="more than 1,000,000 times"):
        value_of("count(1..2000, {any(1..2000, # < 0)})")


def test_names_are_those_that_the_scope_must_know() -> None:
    """Not those of `let`, predicates, functions and keys; with their place, and whether they may be unknown."""
    compiled = compile_expression("let x = a.b; all(rows, .c == x) and env.PORT == ${p.q:1} and (n ?? m) exists")
    found = [(use.name, use.offset, use.optional, use.key) for use in compiled.names]
    assert [
        ("a", 8, False, "b"),
        ("rows", 17, False, ""),
        ("env", 36, False, "PORT"),
        ("p", 50, True, "q"),
        ("n", 62, False, ""),
        ("m", 67, False, ""),
    ] == found


class _Skipping(MapScope):
    """A scope in which `check` is known and has no value."""

    def lookup(self, name: str) -> Value | Missing:
        """Refuse `check`."""
        if name == "check":
            raise EvaluationError("step check was skipped")
        return super().lookup(name)


def test_a_known_name_without_value_is_an_error_but_for_what_asks_whether_it_has_one() -> None:
    """The scope's own words reach the message."""
    scope = _Skipping({})
    assert (
        "check.status == 200: step check was skipped" == compile_expression("check.status == 200").check(scope).message
    )
    for text in ("!(check exists)", "(check.status ?? 1) == 1", "check?.status == nil", "${check.status:1} == 1"):
        assert compile_expression(text).check(scope).holds, text


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("body.id != 2024-01-01", "`2024-01-01` is no text", 'write "2024-01-01" in quotes, or date("2024-01-01")'),
        ("now() > 2024-01-01T10:00:00Z", "`2024-01-01T10:00:00Z` is no text", 'date("2024-01-01T10:00:00Z")'),
        ("body.at == 12:30", "`:` can't stand here", 'put quotes around a time of day: "12:30"'),
        ("status <> 200", "`>` can't stand here", "write `!=`"),
        ("status = 200", "`=` can't stand here", "compare with `==`"),
        ("status === 200", "`=` can't stand here", "compare with `==`"),
        ("status in (200, 201)", "`)` belongs here, not `,`", "a list stands in brackets: `[200, 201]`"),
    ],
)
def test_what_other_languages_write_is_told_with_what_to_write_here(text: str, message: str, hint: str) -> None:
    """The mistakes that authors make who come from SQL, Python or JavaScript, and from YAML's dates."""
    with pytest.raises(ExpressionError) as caught:
        compile_expression(text)
    assert message in caught.value.message
    assert hint in caught.value.hint


def test_a_subtraction_with_blanks_or_other_digits_is_one() -> None:
    """Only what looks like a date is taken for one."""
    assert value_of("2024 - 01 - 01 == 2022 and 2024-1-1 == 2022 and 20240-01-01 == 20238") is True
