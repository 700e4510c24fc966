"""The reference names every key, action, result, option and built-in name, as they are declared."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

import pytest

from support.reference import ENGINE, PAGES, ROOT, headings, links
from testmesh_engine.actions.registry import Registry, load_action
from testmesh_engine.cli.commands import cli
from testmesh_engine.contract.catalogue import ActionSpec, Key
from testmesh_engine.contract.result import Outcome
from testmesh_engine.language import faker, keys
from testmesh_engine.report.registry import KINDS
from testmesh_engine.runtime.builtins import NAMES

HOW = "written by tests/unit/engine/test_reference.py from the declarations; UPDATE_GOLDEN=1 writes it anew"
OURS = {"operator", "demo"}
"""Extras that no flow needs."""

ACTION_PAGES = sorted((ENGINE / "reference").glob("actions*.md"))
FLOW_PAGE, STEPS_PAGE = "flow.md", "steps.md"
TABLES = [
    (FLOW_PAGE, "flow", keys.FLOW),
    (FLOW_PAGE, "config", keys.CONFIG),
    (FLOW_PAGE, "data", keys.DATA),
    (STEPS_PAGE, "step", keys.STEP),
    (STEPS_PAGE, "assertion", keys.ASSERTION),
    (STEPS_PAGE, "capture", keys.CAPTURE),
    (STEPS_PAGE, "retry", keys.RETRY),
    (STEPS_PAGE, "eventually", keys.EVENTUALLY),
    (STEPS_PAGE, "on_error", keys.ON_ERROR),
]


@pytest.mark.parametrize(("page", "name", "table"), TABLES, ids=[name for _, name, _ in TABLES])
def test_the_tables_of_keys_are_what_is_declared(page: str, name: str, table: tuple[Key, ...]) -> None:
    """A key that is not in the reference is not there for anyone."""
    assert_golden(page, lambda text: filled(text, f"keys of {name}", table_of("key", table)))


def test_every_action_is_in_the_table_of_all() -> None:
    """With a link to its section. One that has none gets it here; it may be moved to any page of actions."""
    specs = {name: load_action(name).spec for name in Registry().names()}
    pages = {name: page.name for page in ACTION_PAGES for name in described_in(page.read_text(encoding="utf-8"))}
    new = [spec for name, spec in specs.items() if name not in pages]
    assert_golden(
        "actions.md",
        lambda text: f"{filled(text, 'actions', overview(specs.values(), pages))}{''.join(map(new_section, new))}",
    )


@pytest.mark.parametrize("page", ACTION_PAGES, ids=lambda page: page.name)
def test_every_action_is_described_as_it_is_declared(page: Path) -> None:
    """In a section of its page; the words below each section are kept."""

    def anew(text: str) -> str:
        for name in described_in(text):
            text = filled(text, f"action {name}", described(load_action(name).spec), end=name)
        return text

    assert_golden(page.name, anew)


def test_no_action_is_described_twice() -> None:
    """One section would be read, and the other one mended."""
    names = [name for page in ACTION_PAGES for name in described_in(page.read_text(encoding="utf-8"))]
    assert sorted(set(names)) == sorted(names)


def test_every_extra_that_an_action_may_need_stands_beside_the_actions() -> None:
    """Those of pyproject.toml, but for what the project itself needs."""
    extras = set(
        tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    )
    spoken_of = code_words((ENGINE / "reference" / "actions.md").read_text(encoding="utf-8"))
    assert [] == sorted(extras - OURS - spoken_of)


def test_every_option_and_command_stands_in_the_page_of_the_command_line() -> None:
    """Each by its name, as code."""
    text = (ENGINE / "reference" / "command-line.md").read_text(encoding="utf-8")
    options = {option for command in cli.commands.values() for each in command.params for option in each.opts}
    names = {*cli.commands, *(option for option in options if option.startswith("--"))}
    assert [] == sorted(names - code_words(text))


@pytest.mark.parametrize(
    ("page", "names"),
    [
        ("variables.md", sorted(NAMES)),
        ("variables.md", sorted(faker.SHORT)),
        ("reports.md", sorted(Outcome)),
    ],
    ids=["built-in variables", "short names of FAKER", "outcomes"],
)
def test_every_name_that_is_built_in_stands_in_the_reference(page: str, names: list[str]) -> None:
    """Each as code."""
    text = (ENGINE / "reference" / page).read_text(encoding="utf-8")
    assert [] == sorted(set(names) - code_words(text))


def test_every_variable_that_the_engine_itself_reads_stands_in_the_page_of_the_command_line() -> None:
    """Those of its own, by their prefix."""
    sources = (path.read_text(encoding="utf-8") for path in (ENGINE / "testmesh_engine").rglob("*.py"))
    read = {name for source in sources for name in re.findall(r'"(TESTMESH_\w+)"', source)}
    assert "TESTMESH_RUN_ENV" in read
    page = (ENGINE / "reference" / "command-line.md").read_text(encoding="utf-8")
    assert [] == sorted(read - code_words(page))


def test_every_example_stands_in_the_list_of_examples() -> None:
    """By a link to its folder."""
    examples = ROOT / "examples"
    folders = {path.name for path in examples.iterdir() if path.is_dir() and not path.name.startswith((".", "_"))}
    assert set() == folders - {link.partition("/")[0] for link in links(examples / "README.md")}


def test_every_kind_of_report_has_its_row() -> None:
    """In the table at the head of the page."""
    text = (ENGINE / "reference" / "reports.md").read_text(encoding="utf-8")
    assert [] == [kind for kind in KINDS if f"\n| `{kind}` | " not in text]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_of_the_reference_leads_somewhere(page: Path) -> None:
    """To a file that is there, and to a heading that it has."""
    assert [] == [link for link in links(page) if not leads_somewhere(page, link)]


def test_the_first_page_names_every_page() -> None:
    """A page that nothing leads to is read by nobody."""
    first = ENGINE / "README.md"
    reached = {(first.parent / link.partition("#")[0]).resolve() for link in links(first)}
    assert set() == {page for page in PAGES if page.parent.name == "reference"} - reached


def leads_somewhere(page: Path, link: str) -> bool:
    """Whether there is what a relative link names."""
    name, _, anchor = link.partition("#")
    target = (page.parent / name).resolve() if name else page
    return target.exists() and (not anchor or anchor in headings(target))


def assert_golden(page: str, make: Callable[[str], str]) -> None:
    """The page is what ``make`` makes of it."""
    path = ENGINE / "reference" / page
    text = path.read_text(encoding="utf-8")
    expected = make(text)
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text(expected, encoding="utf-8")
    assert expected == path.read_text(encoding="utf-8"), f"UPDATE_GOLDEN=1 pytest {__file__} writes {page} anew"


def filled(text: str, name: str, content: Iterable[str], *, end: str = "") -> str:
    """``text`` with ``content`` between the two marks of ``name``."""
    start, stop = f"<!-- {name}: {HOW} -->\n", f"<!-- end of {end or name} -->"
    head, opening, rest = text.partition(start)
    _, closing, tail = rest.partition(stop)
    assert opening, f"the page has no mark {start}"
    assert closing, f"the page has no mark {stop}"
    return f"{head}{start}\n{''.join(content)}\n{stop}{tail}"


def described_in(text: str) -> list[str]:
    """The actions that have a section in the page."""
    return re.findall(r"^<!-- action (\w+): ", text, re.MULTILINE)


def new_section(spec: ActionSpec) -> str:
    """The section of an action that no page has yet."""
    return f"\n<!-- action {spec.name}: {HOW} -->\n\n{''.join(described(spec))}\n<!-- end of {spec.name} -->\n"


def overview(specs: Iterable[ActionSpec], pages: Mapping[str, str]) -> Iterator[str]:
    """What there is, and on which of the ``pages``."""
    yield "| action | |\n|---|---|\n"
    for spec in specs:
        yield f"| [`{spec.name}`]({pages.get(spec.name, 'actions.md')}#{spec.name}) | {spec.doc} |\n"


def described(spec: ActionSpec) -> Iterator[str]:
    """The section of one action."""
    yield f"## `{spec.name}`\n\n{spec.doc}"
    yield f" Also called {', '.join(f'`{name}`' for name in spec.aliases)}.\n\n" if spec.aliases else "\n\n"
    if spec.example:
        yield f"```yaml\n{spec.example.rstrip()}\n```\n\n"
    yield from table_of("config", spec.keys) if spec.keys else ["It has no `config`.\n"]
    if spec.results:
        yield "\n| result | |\n|---|---|\n"
    for name, doc in spec.results.items():
        yield f"| `{name}` | {cell(doc)} |\n"
    example = ROOT / "examples" / "actions" / f"{spec.name.replace('_', '-')}.yaml"
    if example.exists():
        yield f"\nA whole flow: [{example.name}](../../examples/actions/{example.name}).\n"


def table_of(title: str, table: Iterable[Key]) -> Iterator[str]:
    """A row for each key, and for each key of a map whose keys have no table of their own."""
    yield f"| {title} | |\n|---|---|\n"
    yield from rows_of(table, "")


def rows_of(table: Iterable[Key], above: str) -> Iterator[str]:
    """The rows of keys that stand under ``above``."""
    own_tables = [fields for _, _, fields in TABLES]
    for key in table:
        yield f"| {' = '.join(f'`{above}{name}`' for name in (key.name, *key.aliases))} | {cell(words_of(key))} |\n"
        if key.fields not in own_tables:
            yield from rows_of(key.fields, f"{above}{key.name}.")


def words_of(key: Key) -> str:
    """What a key is for, whether it must be there, what it is without it."""
    instead = f" (or the variable {' or '.join(f'`{name}`' for name in key.variables)})" if key.variables else ""
    choices = f"; one of {', '.join(f'`{name}`' for name in key.choices)}" if key.choices else ""
    default = f"; default: {key.default}" if key.default else ""
    return f"{'**required**' + instead + ': ' if key.required else ''}{key.doc}{choices}{default}"


def cell(text: str) -> str:
    """Text within a table."""
    return text.replace("|", "\\|")


def code_words(text: str) -> set[str]:
    """The words that stand in the text as code."""
    return {word for code in re.findall(r"`([^`\n]+)`", text) for word in re.findall(r"[\w$-]+", code)}
