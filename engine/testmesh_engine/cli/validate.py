"""``testmesh validate``: the problems of files, as text or as JSON."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace

from testmesh_engine.actions.registry import Registry
from testmesh_engine.cli.inputs import STDIN, read_text
from testmesh_engine.contract.problem import FlowInvalid, Problem
from testmesh_engine.errors import UsageError
from testmesh_engine.language.names import Outside
from testmesh_engine.language.validate import Checked, check_flow, check_text, errors_of, flow_of_object
from testmesh_engine.runtime.masking import Masker, is_secret_key, mask_pairs, mask_source_line, secrets_of_line

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
    checked = [(path, flow) for path in arguments.paths for flow in _check(path, arguments)]
    try:
        if arguments.output == "json":
            print_json([flow for _, flow in checked])
        else:
            for path, flow in checked:
                _print_text(path, flow)
        sys.stdout.flush()
    except OSError as error:
        # Python writes the rest at its end once more: it must not fail there again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise UsageError(f"standard output can't be written: {error.strerror}") from error
    return 2 if any(errors_of(flow.problems, strict=arguments.strict) for _, flow in checked) else 0


def _check(path: str, arguments: ValidateArguments) -> Iterator[Checked]:
    # What the run will set is not known here: names in capitals that nothing declares are warnings.
    outside = Outside(process=frozenset(os.environ))
    text = read_text(path)
    name = arguments.stdin_name if path == STDIN else path
    if arguments.object_path is None:
        yield from check_text(text, name=name, catalogue=Registry(), outside=outside)
        return
    try:
        part = flow_of_object(_json_of(text, name), name="", path=arguments.object_path)
    except FlowInvalid as error:
        yield Checked(name="", problems=error.problems)
    else:
        yield check_flow(part, catalogue=Registry(), outside=outside)


def _json_of(text: str, name: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{name} is no JSON: {error}") from error


def shown(problem: Problem) -> Problem:
    """The problem without the secrets of its line, which its message and hint may quote in their own ways."""
    # A flow that came as an object has no line: there the path tells what a message is about.
    below = any(is_secret_key(name) or name == "auth" for name in _NAME.findall(problem.path))
    found = [text for match in _FOUND.findall(problem.message) for text in match] if below else []
    secrets = Masker({*secrets_of_line(problem.excerpt), *found})
    return replace(
        problem,
        excerpt=secrets.text(mask_source_line(problem.excerpt)),
        message=secrets.text(mask_pairs(problem.message)),
        hint=secrets.text(mask_source_line(problem.hint)),
    )


def print_json(checked: list[Checked]) -> None:
    """One object with the first flow's name and all problems."""
    problems = [shown(problem).to_json() for flow in checked for problem in flow.problems]
    name = checked[0].name if checked else ""
    sys.stdout.write(json.dumps({"flow": {"name": name}, "problems": problems}, ensure_ascii=False) + "\n")


def _print_text(path: str, flow: Checked) -> None:
    for problem in flow.problems:
        sys.stdout.write(f"{shown(problem).render()}\n")
    if flow.ok:
        sys.stdout.write(f"{path}: {flow.name}: ok\n")
