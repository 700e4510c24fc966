"""``testmesh validate``: the problems of files, as text or as JSON."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import asdict, replace
from itertools import takewhile

from testmesh_engine.actions.registry import Registry
from testmesh_engine.cli.files import CheckedFile, CheckedFiles, check_files
from testmesh_engine.cli.inputs import STDIN, read_dot_env, read_text
from testmesh_engine.contract.problem import FlowInvalid, Problem
from testmesh_engine.contract.record import dataclass
from testmesh_engine.errors import UsageError
from testmesh_engine.language.names import Outside
from testmesh_engine.language.needs import Need
from testmesh_engine.language.validate import Checked, check_flow, check_text, errors_of, flow_of_object
from testmesh_engine.report.files import write_no_more
from testmesh_engine.runtime.masking import Masker
from testmesh_engine.runtime.secret_text import is_secret_key, mask_pairs, mask_source_line, secrets_of_line

_NAME = re.compile(r"[^\W\d][\w-]*")
_FOUND = re.compile(r"found (?:text \"(.*)\"|the number (\S+))")


@dataclass(frozen=True, slots=True, kw_only=True)
class ValidateArguments:
    """The arguments of ``testmesh validate``."""

    paths: tuple[str, ...]
    output: str = "text"
    strict: bool = False
    stdin_name: str = "stdin"
    object_path: str | None = None


def validate_paths(arguments: ValidateArguments) -> int:
    """Print what is wrong with the files; 2 if any has an error, else 0. Raises ``UsageError`` where nobody reads."""
    checked = _checked(arguments)
    try:
        if arguments.output == "json":
            print_json([*checked.flows()])
        else:
            _print_text(checked, strict=arguments.strict)
        sys.stdout.flush()
    except BrokenPipeError:  # `| head -1` has had enough
        write_no_more()
    except OSError as error:
        write_no_more()
        raise UsageError(f"standard output can't be written: {error.strerror}") from error
    return 2 if any(errors_of(flow.problems, strict=arguments.strict) for flow in checked.flows()) else 0


def _checked(arguments: ValidateArguments) -> CheckedFiles:
    if STDIN not in arguments.paths and arguments.object_path is None:
        return check_files(arguments.paths, _outside_of)
    path, *others = arguments.paths
    if others:
        raise UsageError("what - reads is validated alone", hint=f"Validate {' '.join(others)} in another call.")
    name = arguments.stdin_name if path == STDIN else path
    flows = tuple(_check_alone(read_text(path), name, arguments.object_path))
    return CheckedFiles(files=(CheckedFile(path=name, named=True, flows=flows),))


def _outside_of(path: str) -> Outside:
    # What the run will set is not known here: names in capitals that nothing declares are warnings.
    return Outside(names=frozenset(read_dot_env(path)), process=frozenset(os.environ))


def _check_alone(text: str, name: str, object_path: str | None) -> Iterator[Checked]:
    """A flow that came without a folder: it may be a stranger's, and must not read files here."""
    outside = Outside(process=frozenset(os.environ))
    if object_path is None:
        yield from check_text(text, name=name, catalogue=Registry(), outside=outside)
        return
    try:
        part = flow_of_object(_json_of(text, name), name="", path=object_path)
    except FlowInvalid as error:
        yield Checked(name="", problems=error.problems)
    else:
        yield check_flow(part, catalogue=Registry(), outside=outside)


def _json_of(text: str, name: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{name} is no JSON: {error}") from error


def problems_of(flow: Checked) -> list[Problem]:
    """The problems of ``flow`` as they may be shown."""
    return [shown(problem, flow.secrets) for problem in flow.problems]


def shown(problem: Problem, declared: Iterable[str] = ()) -> Problem:
    """The problem without secrets: the ``declared`` ones, and those of its line, which its message may quote."""
    # A flow that came as an object has no line: there the path tells what a message is about.
    below = any(is_secret_key(name) or name == "auth" for name in _NAME.findall(problem.path))
    found = [text for match in _FOUND.findall(problem.message) for text in match] if below else []
    secrets = Masker({*declared, *secrets_of_line(problem.excerpt), *found})

    def masked(line: str) -> str:
        return secrets.text(mask_source_line(line))

    excerpt = masked(problem.excerpt)
    before = _shared(excerpt, masked(problem.excerpt[: problem.column - 1]))
    return replace(
        problem,
        excerpt=excerpt,
        caret=0 if excerpt == problem.excerpt else before + 1,
        message=secrets.text(mask_pairs(problem.message)),
        hint=masked(problem.hint),
    )


def _shared(one: str, other: str) -> int:
    """How many characters both begin with."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))


def print_json(checked: list[Checked]) -> None:
    """One object with all problems, the first flow's name, and what each flow needs from outside."""
    problems = [problem.to_json() for flow in checked for problem in problems_of(flow)]
    flows = [{"name": flow.name, "ok": flow.ok, "needs": [*map(asdict, _needs_shown(flow))]} for flow in checked]
    name = checked[0].name if checked else ""
    answer = {"flow": {"name": name}, "problems": problems, "flows": flows}
    sys.stdout.write(json.dumps(answer, ensure_ascii=False) + "\n")


def _print_text(checked: CheckedFiles, *, strict: bool) -> None:
    for file in checked.files:
        for flow in file.flows:
            for problem in problems_of(flow):
                sys.stdout.write(f"{problem.render()}\n")
            if flow.ok:
                sys.stdout.write(f"{file.path}: {flow.name}: ok\n{_needs(flow)}")
    if len(checked.files) > 1 or checked.passed_over:
        sys.stdout.write(f"{_summary(checked, strict=strict)}\n")


def _needs(flow: Checked) -> str:
    """A line on what the flow's caller must or may give, "" where that is nothing."""
    needs = [need.words() for need in _needs_shown(flow)]
    return f"  from outside: {', '.join(needs)}\n" if needs else ""


def _needs_shown(flow: Checked) -> list[Need]:
    """What the flow needs, without the secrets that a default may be, or hold."""
    masker = Masker(flow.secrets, names=flow.flow.secrets if flow.flow else ())
    return [replace(need, default=str(masker.value(need.default, key=need.name))) for need in flow.needs]


def _summary(checked: CheckedFiles, *, strict: bool) -> str:
    flows = [*checked.flows()]
    wrong = sum(bool(errors_of(flow.problems, strict=strict)) for flow in flows)
    warned = sum(bool(flow.problems) for flow in flows) - wrong
    counts = [f"{wrong} with errors" if wrong else "", f"{warned} with warnings" if warned else ""]
    found = f"{_many(len(flows), 'flow')} in {_many(len(checked.files), 'file')}"
    said = checked.said_of_passed_over()
    return f"{found}: {', '.join(filter(None, counts)) or 'ok'}" + (f"\n{said}" if said else "")


def _many(count: int, word: str) -> str:
    return f"{count} {word}" if count == 1 else f"{count} {word}s"
