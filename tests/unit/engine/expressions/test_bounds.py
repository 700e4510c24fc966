"""What a hostile or careless expression can't do: hang a runner, fill its memory, or reach out of its scope."""

from __future__ import annotations

import contextlib
import time

import pytest

from testmesh_engine.expressions import EvaluationError, ExpressionError, MapScope, compile_expression, compile_output

SCOPE = MapScope({"text": "a" * 40 + "!", "words": ["a" * 40 + "!"], "rows": [{"n": 1}] * 1000})

HOSTILE = [
    ("2 ** 10 ** 10", "digits"),
    ("2 ** 14284 * 10", "digits"),
    ("10 ** 4299 * 10 ** 4299", "digits"),
    ("reduce(1..40, #acc * #acc, 9)", "digits"),
    ("reduce(1..20, #acc * #acc, 1e900)", "beyond 10^6144"),
    ("bitshl(bitshl(bitshl(1, 1024), 99999), 1)", "shifted by 0 to 1024"),
    ("int('9' + repeat('9', 5000))", "spells no number"),
    ("1..2000000", "more than 100,000 items"),
    ("repeat('a', 99999999999)", "16 MiB"),
    ("reduce(1..40, #acc + #acc, 'x')", "16 MiB"),
    ("reduce(1..40, concat(#acc, #acc), [1])", "16 MiB"),
    ("reduce(1..40, [#acc, #acc], 1)", "16 MiB"),
    ("reduce(1..40, { {a: #acc, b: #acc} }, 1)", "16 MiB"),
    ("map(1..1000, map(1..1000, map(1..1000, #)))", "more than"),
    ("replace(repeat('a', 10000), 'a', repeat('b', 10000))", "16 MiB"),
    ("replace(repeat('a', 10000), '', repeat('b', 10000))", "16 MiB"),
    ("join(map(1..10000, repeat('x', 10000)), '')", "16 MiB"),
    ("split(repeat('a', 9000000), '')", "16 MiB"),
    ("urlEncode(repeat('ä', 9000000))", "16 MiB"),
    ("toBase64(repeat('a', 9000000))", "16 MiB"),
    ("map(1..100000, '${text}${text}${text}${text}${text}')", "16 MiB"),
    ("map(1..100000, now().Format(repeat('January', 100)))", "16 MiB"),
    ("let xs = 1..100000; all(xs, # in xs)", "more than 1,000,000 times"),
    ("let xs = 1..100000; all(xs, xs contains #)", "more than 1,000,000 times"),
    ("let xs = 1..100000; all(xs, sum(xs) > 0)", "more than 1,000,000 times"),
    ("let xs = 1..100000; let ys = 1..100000; all(xs, xs == ys)", "more than 1,000,000 times"),
    ("all(rows, all(rows, all(rows, .n == 1)))", "more than 1,000,000 times"),
    ("fromJSON(repeat('[', 600) + repeat(']', 600))", "nested more than 512"),
    ("fromJSON('1e99999')", "beyond 10^6144"),
    ("let big = repeat('a', 1000000); none(1..100000, big matches '^(a|b|ab)*c$')", "more than 1,000,000 times"),
    ("'a' matches '((a{1000}){1000}){1000}'", ""),
]


@pytest.mark.parametrize(("text", "reason"), HOSTILE)
def test_it_ends_soon_and_in_an_error(text: str, reason: str) -> None:
    """Within seconds on a slow machine, and with the bound in the message."""
    started = time.monotonic()
    with pytest.raises((EvaluationError, ExpressionError)) as caught:
        compile_expression(text).evaluate(SCOPE)
    assert reason in str(caught.value)
    assert time.monotonic() - started < 30


@pytest.mark.parametrize(
    "text",
    [
        "len(repeat('a', 16000000)) == 16000000",
        "len(join([repeat('a', 5000000)], '')) == 5000000",
        "len(replace(repeat('a', 5000000), 'a', 'b')) == 5000000",
    ],
)
def test_what_is_made_counts_once(text: str) -> None:
    """The bound is the one that its message names."""
    assert compile_expression(text).evaluate(SCOPE) is True


@pytest.mark.parametrize("pattern", ["^(a+)+$", "^(a|aa)+$", "^(a|a?)+$", "(.*)*=.*"])
def test_no_regular_expression_is_catastrophic(pattern: str) -> None:
    """RE2's time grows with the text alone, in `matches` and in JSONPath's `=~`."""
    started = time.monotonic()
    assert compile_expression(f"text matches '{pattern}'").evaluate(SCOPE) is False
    output = compile_output(f"$.words[?(@ =~ '{pattern}')]", result_keys=["words"])
    with contextlib.suppress(EvaluationError):
        output.extract({"words": ["a" * 40 + "!"]}, SCOPE)
    assert time.monotonic() - started < 5


@pytest.mark.parametrize(
    "text",
    [
        "text.__class__",
        "text['__class__']",
        "rows.__len__",
        "rows[0].__dict__",
        "(1).__class__",
        "now().__class__",
        "now().nanoseconds",
        "duration('1h').nanoseconds",
        "timezone('UTC').name",
        "$env.__class__",
        "get(text, '__class__')",
        "get(now(), 'zone')",
        "len.__call__",
        "__import__",
        "__builtins__",
    ],
)
def test_no_attribute_of_a_python_object_is_reached(text: str) -> None:
    """Only keys of maps, items of lists, and the documented methods."""
    with pytest.raises(EvaluationError):
        compile_expression(text).evaluate(SCOPE)


@pytest.mark.parametrize(
    "text", ["__import__('os')", "open('/etc/passwd')", "eval('1')", "text.format(1)", "now().In.x()"]
)
def test_nothing_but_the_functions_is_called(text: str) -> None:
    """It does not even compile."""
    with pytest.raises(ExpressionError):
        compile_expression(text)
