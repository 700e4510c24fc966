"""YAML 1.2's core schema, with places, and an end to every trick."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal

import pytest
import yaml
from hypothesis import assume, given
from hypothesis import strategies as st

from testmesh_engine.contract.problem import FlowInvalid
from testmesh_engine.expressions import Value
from testmesh_engine.language.load import load_documents, read_documents
from testmesh_engine.language.nodes import ListNode, MapNode, Node, Scalar, Source, plain


def load(text: str) -> Value:
    """The value of the only document."""
    (document,) = load_documents(text, Source(name="t.yaml", lines=text.splitlines()))
    return plain(document.root)


def problems(text: str) -> list[str]:
    """The headlines of what is wrong."""
    with pytest.raises(FlowInvalid) as raised:
        load(text)
    return [problem.headline() for problem in raised.value.problems]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        *(
            (word, word)
            for word in ("on", "off", "yes", "No", "12:30", "1_000", "2024-01-02", "=", "0o8", "1e", "v1.0")
        ),
        *((word, None) for word in ("", "~", "null", "NULL")),
        *((word, True) for word in ("true", "True", "TRUE")),
        ("010", 10),
        ("-7", -7),
        ("0x1F", 31),
        ("0o17", 15),
        ("9007199254740993", 9007199254740993),
        ("10.00", Decimal("10.00")),
        ("1e3", Decimal(1000)),
        (".5", Decimal("0.5")),
        ('"200"', "200"),
        ("!!str 200", "200"),
    ],
)
def test_scalars_are_read_by_the_core_schema(text: str, value: Value) -> None:
    """Not by YAML 1.1, in which ``on`` is true and ``12:30`` a number."""
    assert {"a": value} == load(f"a: {text}\n")


def test_numbers_keep_their_digits() -> None:
    """10.00 is money."""
    assert "10.00" == str(load("10.00"))


def test_anchors_and_merges_work() -> None:
    """The map's own keys win."""
    assert {"a": 1, "b": 3, "c": 4} == load("base: &b {a: 1, b: 2}\nx: {<<: *b, b: 3, c: 4}\n")["x"]  # type: ignore[call-overload, index]  # a map
    assert {"a": 1, "b": 2} == load("- &x {a: 1}\n- &y {a: 9, b: 2}\n- <<: [*x, *y]\n")[2]  # type: ignore[call-overload, index]  # a list


def test_every_duplicate_key_is_told() -> None:
    """The last one would win in silence."""
    found = problems("a: 1\nb: {c: 1, c: 2}\na: 3\n")
    assert [2, 3] == sorted(int(line.split(":")[1]) for line in found)


def test_a_bomb_of_aliases_is_refused() -> None:
    """A few lines must not become a billion nodes."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    assert "far too large once its aliases" in problems("\n".join(lines))[0]


@pytest.mark.parametrize("text", ["[" * 100_000, "- " * 5_000, "{a: " * 1_000])
def test_deep_nesting_is_refused(text: str) -> None:
    """Before it is deep enough to end the process."""
    assert "nested more than 64 deep" in problems(text)[0]


@pytest.mark.parametrize("form", ["&a{0} [*a{1}]", "&a{0} {{k: *a{1}}}", "&a{0} {{<<: *a{1}, k: *a{1}}}"])
def test_deep_nesting_through_aliases_is_refused(form: str) -> None:
    """Each line is shallow; what they make together is not."""
    lines = ["a0: &a0 {x: 1}", *(f"a{n}: {form.format(n, n - 1)}" for n in range(1, 600))]
    assert "nested more than 64 deep" in problems("\n".join(lines))[0]


def test_aliases_of_aliases_are_read_up_to_the_bound() -> None:
    """Sixty are fine."""
    lines = ["a0: &a0 [1]", *(f"a{n}: &a{n} [*a{n - 1}]" for n in range(1, 61))]
    load("\n".join(lines))


def test_a_list_within_itself_is_refused() -> None:
    """An alias to what is still open would never end."""
    assert "stands inside of what it names" in problems("a: &x [*x]\n")[0]


@pytest.mark.parametrize("number", ["1e99999", "-1e-99999", ".inf", "-.INF", ".nan", "9" * 5000])
def test_numbers_out_of_bounds_are_refused(number: str) -> None:
    """They are refused: the text that was meant is to be quoted."""
    assert 1 == len(problems(number))


def test_places_are_those_of_the_text() -> None:
    """Of keys and of values."""
    text = "a:\n  - b: one\n    ü: two\n"
    (document,) = load_documents(text, Source(name="t", lines=text.splitlines()))
    assert isinstance(document.root, MapNode)
    item = document.root.entries["a"][1].items[0]  # type: ignore[union-attr]  # a list
    assert isinstance(item, MapNode)
    key, value = item.entries["ü"]
    assert ((3, 5), (3, 8), "a[0].ü") == (
        (key.line, key.column),
        (value.line, value.column),
        value.path.replace('["ü"]', ".ü"),
    )


def test_documents_that_are_empty_are_left_out() -> None:
    """A file of manifests often ends in ``---``."""
    assert 2 == len(load_documents("---\na: 1\n---\n# nothing\n---\nb: 2\n---\n", Source(name="t")))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a: 1\r\nb:\r\n  - x\r\n", {"a": 1, "b": ["x"]}),
        ("a: 1\rb: 2\r", {"a": 1, "b": 2}),
        ("\ufeffa: 1\n", {"a": 1}),
        ("%YAML 1.2\n---\na: yes\n", {"a": "yes"}),
        ('{"a": {"b": [1, 2.50, "x\\ny", null, true]}}', {"a": {"b": [1, Decimal("2.50"), "x\ny", None, True]}}),
        ("? a\n: 1\n? b\n", {"a": 1, "b": None}),
        ("1: a\ntrue: b\n~: c\n", {"1": "a", "true": "b", "~": "c"}),
        ("a: |\n  x\n   y\n\n  z\n\n\nb: |-\n  x\nc: >\n  a\n  b\n", {"a": "x\n y\n\nz\n", "b": "x", "c": "a b\n"}),
        (
            "a: !!int 0o17\nb: !!str 010\nc: !!float 1.50\nd: !!null ~\n",
            {"a": 15, "b": "010", "c": Decimal("1.50"), "d": None},
        ),
        ('a: "\\u00e9\\x41\\U0001F600\\/"', {"a": "éA😀/"}),
        ("a:\t1\t# c\nb: {\n\tc: 1\n}\n", {"a": 1, "b": {"c": 1}}),
        ("x: &x {a: 1}\nz:\n  <<: *x\n  <<: {a: 2, b: 3}\n", {"x": {"a": 1}, "z": {"a": 1, "b": 3}}),
    ],
)
def test_what_yaml_has_is_read(text: str, value: Value) -> None:
    """Line ends of every system, JSON, explicit keys, blocks, core tags, escapes, tabs where they may stand, merges."""
    assert value == load(text)


def expressions(line: str) -> Value:
    """What stands under assert of the only step, where ``line`` is an item of it."""
    text = f"flow:\n  steps:\n    - assert:\n        - {line}\n        - b == 1\n"
    found = load(text)["flow"]["steps"][0]["assert"]  # type: ignore[call-overload, index]  # a map
    assert isinstance(found, list)
    return found[0]


@pytest.mark.parametrize(
    "line",
    ["!a", "!(a)", "!(a >= 1)", "!(a == 'x: y')", "! a", "!!a", "![1, 2][0]", "!(a) && !(b)", "!{a: 1}.a", "!a.b[0]"],
)
def test_an_expression_that_starts_with_a_bang_is_its_text(line: str) -> None:
    """It is a tag to YAML, and some of them are no YAML at all."""
    assert line == expressions(line)
    assert line == expressions(f"{line}   # why")


def test_expressions_with_a_bang_are_read_wherever_an_expression_stands() -> None:
    """As items of a list in one line, as values, in the map form, below other steps."""
    text = (
        "flow:\n  steps:\n    - when: !a\n      assert: [x, !all(b, .c), {expression: !d, message: m}]\n"
        "      eventually: {stop_on: !(e > 1)}\n      retry: {retry_on: [!f]}\n      output: {g: !h}\n"
        "      error_steps:\n        - assert_none: !i\n"
    )
    step = load(text)["flow"]["steps"][0]  # type: ignore[call-overload, index]  # a map
    assert {
        "when": "!a",
        "assert": ["x", "!all(b, .c)", {"expression": "!d", "message": "m"}],
        "eventually": {"stop_on": "!(e > 1)"},
        "retry": {"retry_on": ["!f"]},
        "output": {"g": "!h"},
        "error_steps": [{"assert_none": "!i"}],
    } == step


@pytest.mark.parametrize(
    "path",
    [
        *("config: {body: !x}", "config: {url: !env A}", "name: !x", "tags: [!x]"),
        *("config: !x {a: 1}", "config: {body: !x [1]}", "config: {body: !!set {a}}", "assert: [{message: !x}]"),
    ],
)
def test_a_tag_elsewhere_is_refused(path: str) -> None:
    """It would be something else to another tool that reads the file."""
    (found,) = problems(f"flow:\n  steps:\n    - {path}\n")
    assert "as a tag, not as text" in found


def test_places_of_an_expression_with_a_bang_are_those_of_the_text() -> None:
    """The quotes that YAML was given do not move the caret."""
    text = "flow:\n  steps:\n    - assert: [a, !bcd]\n"
    (document,) = load_documents(text, Source(name="t", lines=text.splitlines()))
    node = document.root
    for key in ("flow", "steps", 0, "assert", 1):
        node = node.items[key] if isinstance(key, int) else node.get(key)  # type: ignore[union-attr, assignment]  # as the text has them
    assert isinstance(node, Scalar)
    assert (3, 19, 23) == (node.line, node.column, node.end_column)


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("a: 'x\u2028y'\nb: 1\n", 1, "U+2028"),
        ("a: 1\nb: x\u0085\n", 2, "U+0085"),
        ("a: 1\nb: \x00\n", 2, "U+0000"),
        ("a: \ud800\n", 1, "U+D800"),
        ("%YAML 1.1\n---\na: 1\n", 1, "YAML 1.1"),
        ("a: 1\nb: x\n  c: y\n", 3, "has its value already"),
        ("a:1\nb: 2\n", 1, "a space is missing after a:"),
        ("a: {b:1}\n", 1, "a space is missing after b:"),
        ("- a\n-b: 1\n", 2, "a space is missing after -"),
        ("a\nb: 1\n", 1, 'no "key: value"'),
        (": 1\n", 1, "no key stands before the colon"),
        ("a: [1,, 2]\n", 1, "something is missing here"),
        ("a: |x\n  y\n", 1, "begin a block of lines"),
        ("a: - b\n", 1, "a list can't begin beside its key"),
        ("a:\n\t- b\n", 2, "a tab can't indent YAML"),
        ("a: 1\n...\nb: 2\n", 3, "behind the end"),
        ('a: "\\ud83d\\ude00"\n', 1, "halves of characters"),
        ('a: "\\u12"\n', 1, "followed by no character's number"),
        ("\u00a0a: 1\n", 1, "no-break space (U+00A0)"),
        (f"{'x' * 1100}: 1\n", 1, "at most 1024 characters"),
    ],
)
def test_what_yaml_can_not_read_is_said_at_its_line(text: str, line: int, said: str) -> None:
    """In words of its author, not of a parser."""
    found = problems(text)
    assert (1, f"t.yaml:{line}:") == (len(found), found[0][: len(f"t.yaml:{line}:")])
    assert said in found[0]


def test_reading_goes_on_behind_what_can_be_mended() -> None:
    """One call tells all, in the order of the text."""
    text = "a: @x\nb: 1\nb: 2\nc: 'x' y\nd: [${e}]\nf: !g h\ni: {j: 1\nk: \"l\nm: 2\n"
    assert [1, 3, 4, 5, 6, 7, 8] == [int(line.split(":")[1]) for line in problems(text)]


def test_what_is_read_in_spite_of_problems_is_what_was_meant() -> None:
    """So that nothing is said of it that would not be true of the mended text."""
    text = "a: @x\nb: [${c}, {{d}}/e]\nf: {{g}}\nh: {i:1}\n"
    loaded = read_documents(text, Source(name="t", lines=text.splitlines()))
    assert [{"a": "@x", "b": ["${c}", "{{d}}/e"], "f": "{{g}}", "h": {"i": 1}}] == [
        plain(document.root) for document in loaded.documents
    ]
    assert 4 == len(loaded.problems)


def test_many_expressions_with_a_bang_are_read() -> None:
    """None of them is a fault, however many there are."""
    items = "".join(f"        - !(a >= {number})\n" for number in range(120))
    found = load(f"flow:\n  steps:\n    - assert:\n{items}")
    assert 120 == len(found["flow"]["steps"][0]["assert"])  # type: ignore[arg-type, call-overload, index]  # a list


def test_a_text_with_many_faults_is_read_to_a_bound() -> None:
    """Each costs a reading of all of it."""
    assert 50 == len(problems("".join(f"a{number}: @x\n" for number in range(120))))


def test_an_unknown_alias_leaves_nothing_to_check() -> None:
    """What it stands for could be anything."""
    text = "a: *b\nc: 1\n"
    loaded = read_documents(text, Source(name="t", lines=text.splitlines()))
    assert (0, 1) == (len(loaded.documents), len(loaded.problems))


def test_a_text_of_a_mebibyte_or_more_is_refused() -> None:
    """At once; the excerpt of its only line is no mebibyte either."""
    text = "a: " + "x" * 10_000_000
    (problem,) = read_documents(text, Source(name="t", lines=[text])).problems
    assert len(problem.excerpt) < 300


def test_a_long_line_is_shown_to_a_bound() -> None:
    """A problem far behind it has a place and no excerpt."""
    text = f"a: [{'x, ' * 2000}@]\n"
    (problem,) = read_documents(text, Source(name="t", lines=text.splitlines())).problems
    assert (1, 6005, "") == (problem.line, problem.column, problem.excerpt)


@given(
    st.text(
        alphabet=st.sampled_from("abc:-[]{}&*!|>'\"%@`#?, \n\t\\0123~<=${}é\u2028\ufeff\x00\ud800\xa0"), max_size=60
    )
)
def test_no_text_makes_it_crash(text: str) -> None:
    """It reads, or it says what it can't read, at a place of the text."""
    lines = text.split("\n")
    loaded = read_documents(text, Source(name="t", lines=lines))
    for problem in loaded.problems:
        assert 1 <= problem.line
        assert 1 <= problem.column


@given(st.binary(max_size=200))
def test_no_bytes_make_it_crash(data: bytes) -> None:
    """As the command line decodes them, and as one that is less strict would."""
    read_documents(data.decode("utf-8", "replace"), Source(name="t"))
    read_documents(data.decode("latin-1"), Source(name="t"))


_LINES = st.sampled_from(
    [
        *(
            "- !a",
            "  - b: c",
            "- @d",
            "e: 'f' g",
            "h: [${i}",
            "  - {j: {{k}}}",
            "l: |",
            "  m",
            "n: >-",
            "o:p",
            '"q',
            "'r",
        ),
        *(
            "s: &t {u: 1}",
            "v: *t",
            "w: {<<: *t}",
            "x: *y",
            "\tz: 1",
            "- - -",
            "? a",
            "---",
            "...",
            "# b",
            "c: d: e",
            "!f g",
        ),
    ]
)


@given(st.lists(_LINES, max_size=12))
def test_no_mixture_of_lines_makes_it_crash(lines: list[str]) -> None:
    """Mending ends, whatever the lines are; a text without problems is read whole."""
    loaded = read_documents("\n".join(lines), Source(name="t", lines=lines))
    assert loaded.problems or loaded.documents or not any(line and line[0] not in "#-." for line in lines)


_SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.text(
        alphabet=st.characters(blacklist_categories=("Cs",), blacklist_characters="\x85\u2028\u2029"), max_size=20
    )
)
_TREES = st.recursive(
    _SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text("abcxyz -:#'\"", max_size=8), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(_TREES, st.booleans())
def test_what_a_dumper_wrote_is_read_back(tree: Value, flow_style: bool) -> None:  # noqa: FBT001 - drawn
    """Whatever quotes and blocks it chose: it writes YAML 1.1, so each plain scalar means the same in both."""
    text = yaml.safe_dump({"tree": tree}, default_flow_style=flow_style, allow_unicode=True, sort_keys=False)
    assert {"tree": tree} == load(text)


@given(_TREES)
def test_json_is_read_as_what_it_says(tree: Value) -> None:
    """A flow may be written as JSON; only surrogates and some controls are no YAML, and are said to be none."""
    text = json.dumps({"tree": tree}, ensure_ascii=False)
    assume(not yaml.reader.Reader.NON_PRINTABLE.search(text))
    assert {"tree": tree} == load(text)


def scalars(node: Node) -> Iterator[Scalar]:
    """All keys and values below ``node``."""
    match node:
        case Scalar():
            yield node
        case ListNode(items=items):
            for item in items:
                yield from scalars(item)
        case MapNode(entries=entries):
            for key, value in entries.values():
                yield key
                yield from scalars(value)


@given(_TREES)
def test_places_point_into_the_text(tree: Value) -> None:
    """At each place stands what was read there: its first character, or the quote or sign that opens it."""
    text = yaml.safe_dump({"tree": tree}, allow_unicode=True)
    lines = text.split("\n")
    (document,) = load_documents(text, Source(name="t", lines=lines))
    for scalar in scalars(document.root):
        behind = lines[scalar.line - 1][scalar.column - 1 :]
        assert behind[:1] == (scalar.style or scalar.text[:1])
