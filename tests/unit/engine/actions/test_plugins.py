"""Actions of other packages: found by their entry points, told by name where they are broken."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from support.flows import Ran, read, run
from testmesh_engine.actions import plugins
from testmesh_engine.actions.registry import Registry, load_action
from testmesh_engine.cli.actions import print_action, print_actions
from testmesh_engine.contract.result import Outcome
from testmesh_engine.errors import UsageError

Install = Callable[[str, str, str], None]

SPEC = "from testmesh_engine.contract.catalogue import ActionSpec\n"
GREET = (
    SPEC
    + """
class Greet:
    spec = ActionSpec(name="greet", doc="Greets.", keys=(), results={"said": "what was said", "half": "0.5"})
    def run(self, config, context):
        return {"said": "hello", "half": 0.5}
"""
)


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Installs a package: its name, the lines of its entry points, and the text of its module of the same name."""
    monkeypatch.syspath_prepend(tmp_path)

    def add(name: str, entries: str, module: str) -> None:
        (tmp_path / f"{name}.py").write_text(module, encoding="utf-8")
        info = tmp_path / f"{name}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n", encoding="utf-8")
        (info / "entry_points.txt").write_text(f"[testmesh.actions]\n{textwrap.dedent(entries)}\n", encoding="utf-8")

    forget()
    yield add
    forget()
    for path in tmp_path.glob("*.py"):
        sys.modules.pop(path.stem, None)


def forget() -> None:
    """Forget what was found: another test has other packages."""
    for cached in (plugins.declared, plugins.load, load_action):
        cached.cache_clear()


def run_action_of(name: str, more: str = "") -> Ran:
    """A flow of one step with this action."""
    return run(f"steps:\n  - {{id: one, action: {name}{more}}}\n")


def test_an_action_of_another_package_runs_like_a_built_in_one(install: Install) -> None:
    """Its results are values of the language: a float is the exact number that it spells."""
    install("greeting", "greet = greeting:Greet", GREET)
    ran = run_action_of("greet", ", assert: [said == 'hello', half == 0.5]")
    assert Outcome.PASSED == ran.result.outcome, ran.step("one").message
    assert "greet" in Registry().names()


def test_a_package_that_is_broken_is_named_and_breaks_no_other(install: Install) -> None:
    """At the step that names it, with its reason."""
    install("broken", "boom = broken:Boom", "raise RuntimeError('no licence')")
    install("greeting", "greet = greeting:Greet", GREET)
    with pytest.raises(AssertionError) as raised:
        read("steps:\n  - {action: boom}\n")
    assert "the action boom of broken 1.0 (broken:Boom) can't be loaded: RuntimeError: no licence" in str(raised.value)
    assert "t.yaml:4:16" in str(raised.value)
    assert Outcome.PASSED == run_action_of("greet").result.outcome
    assert Outcome.PASSED == run_action_of("delay", ", config: {duration: 1ms}").result.outcome


@pytest.mark.parametrize(
    ("message", "entries", "module"),
    [
        ("can't be loaded: AttributeError", "odd = odd:Missing", ""),
        ("has no spec that is an ActionSpec", "odd = odd:Odd", "class Odd:\n    spec = 7\n"),
        (
            "has no method run",
            "odd = odd:Odd",
            SPEC + "class Odd:\n    spec = ActionSpec(name='odd', doc='', keys=(), results={})\n",
        ),
        ("calls itself greet", "odd = odd:Greet", GREET),
        (
            "also calls itself delay, which is built in",
            "greet = odd:Greet",
            GREET.replace('name="greet"', 'name="greet", aliases=("delay",)'),
        ),
    ],
)
def test_what_is_no_action_is_refused_with_the_reason(
    install: Install, message: str, entries: str, module: str
) -> None:
    """Whoever wrote it learns what is missing."""
    install("odd", entries, module)
    name = entries.split(" ", maxsplit=1)[0]
    with pytest.raises(AssertionError, match=message):
        read(f"steps:\n  - {{action: {name}}}\n")


def test_a_name_that_is_built_in_is_refused(install: Install, capsys: pytest.CaptureFixture[str]) -> None:
    """The built-in one runs; the list of actions says so."""
    install("thief", "delay = thief:Greet\nredis_get = thief:Greet", GREET)
    assert Outcome.PASSED == run_action_of("delay", ", config: {duration: 1ms}").result.outcome
    print_actions()
    shown = capsys.readouterr().out
    assert "thief 1.0 declares delay, which is built in; it needs another name" in shown
    assert "thief 1.0 declares redis_get" in shown


def test_a_name_that_two_packages_declare_is_refused(install: Install) -> None:
    """Which of them was meant nobody knows."""
    install("one", "greet = one:Greet", GREET)
    install("two", "greet = two:Greet", GREET)
    with pytest.raises(AssertionError, match=r"greet is declared by one 1\.0 and two 1\.0"):
        read("steps:\n  - {action: greet}\n")
    with pytest.raises(UsageError, match="declared by one"):
        print_action("greet")


@pytest.mark.parametrize(
    ("message", "body"),
    [
        ("raised ZeroDivisionError", "return 1 / 0"),
        ("gave no map", "return 7"),
        ("without half, said", "return {}"),
        ("can't be used: object", "return {'said': object(), 'half': 1}"),
    ],
)
def test_an_action_that_fails_as_none_should_is_told_by_name(install: Install, message: str, body: str) -> None:
    """As an error of what the tests stand on: exit code 3."""
    module = GREET.replace('return {"said": "hello", "half": 0.5}', body)
    install("greeting", "greet = greeting:Greet", module)
    ran = run_action_of("greet")
    assert 3 == ran.exit_code
    assert "the action greet of greeting 1.0" in ran.step("one").message
    assert message in ran.step("one").message


def test_a_flow_of_built_in_actions_looks_for_no_packages() -> None:
    """It would cost a fifth of the start."""
    code = (
        "import sys; from testmesh_engine.actions.registry import Registry; Registry().find('delay');"
        "sys.exit('importlib.metadata' in sys.modules)"
    )
    assert 0 == subprocess.run([sys.executable, "-c", code], check=False).returncode
