"""Checks flows as ``validate`` and ``run`` do, with files that are only in memory."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping

from testmesh_engine.actions.registry import Registry
from testmesh_engine.contract.problem import Severity
from testmesh_engine.errors import UsageError
from testmesh_engine.language.names import Outside
from testmesh_engine.language.validate import Checked, check_text

RUN = Outside(complete=True)
"""A run to which nothing is given."""


class MemoryFiles:
    """The files beside a flow, by name."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        self._texts = texts

    def read(self, name: str) -> str:
        """The text of ``name``. Raises ``UsageError`` where there is none."""
        if name not in self._texts:
            raise UsageError(f"{name} can't be read: it is not there")
        return self._texts[name]


def head(text: str, *, step: str = "", phase: str = "steps") -> str:
    """A flow of one delay; ``text`` begins in line 3, ``step`` is what its step has more."""
    lines = textwrap.indent(textwrap.dedent(text).strip("\n"), "  ")
    more = f", {step}" if step else ""
    steps = f"  steps:\n    - {{action: delay, config: {{duration: 1ms}}{more if phase == 'steps' else ''}}}\n"
    last = f"  teardown:\n    - {{action: delay, config: {{duration: 1ms}}{more}}}\n" if phase == "teardown" else ""
    return f"flow:\n  name: x\n{lines}\n{steps}{last}"


def check(text: str, *, outside: Outside = RUN, files: Mapping[str, str] | None = None) -> Checked:
    """The one flow of ``text``."""
    beside = MemoryFiles(files or {})
    (checked,) = check_text(text, name="f.yaml", catalogue=Registry(), outside=outside, files=beside)
    return checked


def errors(text: str, *, outside: Outside = RUN, files: Mapping[str, str] | None = None) -> list[str]:
    """The messages of its errors."""
    problems = check(text, outside=outside, files=files).problems
    return [problem.message for problem in problems if problem.severity is Severity.ERROR]


def warnings(text: str, *, outside: Outside = RUN, files: Mapping[str, str] | None = None) -> list[str]:
    """The messages of its warnings."""
    problems = check(text, outside=outside, files=files).problems
    return [problem.message for problem in problems if problem.severity is Severity.WARNING]
