"""What is written is read back: expressions, text literals, and text with placeholders in it."""

from __future__ import annotations

from hypothesis import assume, given
from hypothesis import strategies as st

from support.expr.cases import SECTIONS
from testmesh_engine.expressions import ExpressionError, MapScope, compile_expression, compile_template
from testmesh_engine.expressions.nodes import Chain, Node
from testmesh_engine.expressions.parser import parse
from unit.engine.expressions.printer import printed, quoted, shape
from unit.engine.expressions.strategies import expressions, texts


def unchained(value: object) -> object:
    """The shape without chains: parentheses make one of a path, and do not change what it gives."""
    if isinstance(value, tuple) and value and value[0] == Chain.__name__:
        return unchained(value[1])
    return tuple(map(unchained, value)) if isinstance(value, tuple) else value


def read_again(text: str) -> tuple[object, object]:
    """The shape of an expression, and that of its printed text."""
    tree: Node = parse(text)
    return unchained(shape(tree)), unchained(shape(parse(printed(tree))))


@given(expressions)
def test_an_expression_that_is_printed_is_read_back_the_same(text: str) -> None:
    """Precedence, associativity and sugar are settled in the tree."""
    expected, found = read_again(text)
    assert expected == found


def test_every_case_of_the_reference_is_read_back_the_same() -> None:
    """All constructs of the documentation."""
    for text in (text for section in SECTIONS for text in section.agreeing):
        try:
            parse(text)
        except ExpressionError:
            continue
        expected, found = read_again(text)
        assert expected == found, text


@given(st.text(max_size=20))
def test_a_text_literal_gives_the_text(text: str) -> None:
    """Every character, surrogates aside, which no text of a flow holds."""
    assume(not any("\ud800" <= char <= "\udfff" for char in text))
    assert text == compile_expression(quoted(text)).evaluate(MapScope({}))


@given(texts, texts)
def test_text_around_a_placeholder_stays_as_it_is(before: str, after: str) -> None:
    """With the two openings escaped, everything else stands for itself."""
    assume(not before.endswith(("$", "\\", "{")))
    escaped = [part.replace("{{", "\\{{").replace("${", "$${") for part in (before, after)]
    assume(all("\\\\{{" not in part and "$$${" not in part and "{\\{{" not in part for part in escaped))
    template = compile_template(f"{escaped[0]}${{x}}-{escaped[1]}")
    assert f"{before}42-{after}" == template.render(MapScope({"x": 42}))


@given(texts)
def test_a_value_in_a_text_is_never_read_again(text: str) -> None:
    """What a service sends is no placeholder, whatever it looks like."""
    assert f"<{text}>" == compile_template("<${x}>").render(MapScope({"x": text}))
    assert compile_expression('"<${x}>" == "<" + x + ">"').evaluate(MapScope({"x": text})) is True
