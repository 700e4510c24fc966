"""What hypothesis makes up for the tests of expressions: values, and text that is nearly an expression."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import strategies as st

from testmesh_engine.expressions import Value

numbers = st.one_of(
    st.integers(min_value=-(10**40), max_value=10**40),
    st.decimals(
        allow_nan=False, allow_infinity=False, places=4, min_value=Decimal(-(10**12)), max_value=Decimal(10**12)
    ),
)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
scalars: st.SearchStrategy[Value] = st.one_of(st.none(), st.booleans(), numbers, texts)
values: st.SearchStrategy[Value] = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(texts, inner, max_size=4)),
    max_leaves=12,
)

_PIECES = [
    *(
        "a",
        "b",
        "body",
        "rows",
        "len",
        "all",
        "map",
        "filter",
        "sum",
        "upper",
        "split",
        "reduce",
        "sortBy",
        "int",
        "trim",
    ),
    *(
        " and ",
        " or ",
        "not ",
        " in ",
        " contains ",
        " matches ",
        " startsWith ",
        " exists",
        " is ",
        " is not null",
        "let x = ",
    ),
    *(
        "==",
        "!=",
        "<",
        ">",
        "<=",
        ">=",
        "&&",
        "||",
        "!",
        "+",
        "-",
        "*",
        "/",
        "%",
        "**",
        "^",
        "..",
        "??",
        "?.",
        "?",
        ":",
        ";",
    ),
    *("(", ")", "[", "]", "{", "}", "{{", "}}", "${", ",", ".", "|", "#", "#acc", "$", "$${", "\\{{"),
    *(
        "1",
        "0",
        "2.50",
        "1e3",
        "0x1F",
        "99999999999",
        '"x"',
        "'y'",
        "`z`",
        '"',
        "'",
        "nil",
        "true",
        "false",
        " ",
        "\n",
        "//",
        "é",
    ),
]
nearly_expressions = st.one_of(
    st.lists(st.sampled_from(_PIECES), max_size=24).map("".join),
    st.text(max_size=40),
)


def _within(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    operators = st.sampled_from(
        ["==", "!=", "<", "+", "-", "*", "/", "%", "**", "and", "or", "in", "contains", "..", "??"]
    )
    return st.one_of(
        st.tuples(inner, operators, inner).map(lambda parts: f"({parts[0]}) {parts[1]} ({parts[2]})"),
        st.tuples(inner, inner, inner).map(lambda parts: f"({parts[0]}) ? ({parts[1]}) : ({parts[2]})"),
        inner.map(lambda part: f"({part}) matches '^a+$'"),
        inner.map(lambda part: f"sortBy({part}, .a)"),
        inner.map(lambda part: f"groupBy({part}, .a)"),
        inner.map(lambda part: f"not ({part})"),
        inner.map(lambda part: f"({part}).a"),
        inner.map(lambda part: f"({part})[0]"),
        inner.map(lambda part: f"({part})[1:]"),
        inner.map(lambda part: f"({part}) exists"),
        inner.map(lambda part: f"({part}) is not string"),
        inner.map(lambda part: f"({part})?.a?.b"),
        inner.map(lambda part: f"date({part}).Year()"),
        inner.map(lambda part: f"-({part})"),
        inner.map(lambda part: f"matches_schema({part}, {{type: 'object', required: ['a']}})"),
        st.tuples(inner, inner).map(lambda parts: f"includes({parts[0]}, {parts[1]})"),
        st.tuples(inner, inner).map(lambda parts: f"let x = {parts[0]}; x == ({parts[1]})"),
        st.tuples(inner, inner, inner).map(lambda parts: f"if {parts[0]} {{ {parts[1]} }} else {{ {parts[2]} }}"),
        st.tuples(inner, inner).map(lambda parts: f"reduce({parts[0]}, #acc == ({parts[1]}), 1)"),
        st.tuples(
            st.sampled_from(
                ["len", "string", "int", "float", "type", "toJSON", "keys", "flatten", "uniq", "sort", "sum"]
            ),
            inner,
        ).map(lambda parts: f"{parts[0]}({parts[1]})"),
        st.tuples(st.sampled_from(["all", "map", "filter", "count", "any", "find"]), inner, inner).map(
            lambda parts: f"{parts[0]}({parts[1]}, {{ {parts[2]} }})"
        ),
        st.lists(inner, max_size=3).map(lambda parts: f"[{', '.join(parts)}]"),
    )


expressions = st.recursive(
    st.sampled_from(
        ["a", "b", "rows", "a.b", "rows[0].a", "nil", "true", "1", "2.5", '"x"', "[1, 2]", "{k: 1}", "${a}", '"-{{b}}"']
    ),
    _within,
    max_leaves=8,
)
"""Expressions that parse, most of which have no value."""
