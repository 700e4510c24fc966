"""Runs single steps of any action as a flow would: the surroundings of an attempt, and one run in them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from support.flows import Options, Ran, run_flow
from testmesh_engine.actions.base import Action, Connections, Context, Counters, Result
from testmesh_engine.actions.config import canonical
from testmesh_engine.actions.registry import Registry
from testmesh_engine.actions.waiting import Deadline, Interrupt
from testmesh_engine.cli.inputs import FilesBeside
from testmesh_engine.language.names import Outside
from testmesh_engine.language.validate import check_text
from testmesh_engine.runtime.layers import Layers

EXAMPLES = Path(__file__).parents[2] / "examples/actions"


@contextmanager
def attempt(folder: Path | None = None, *, seconds: float = 5) -> Iterator[Context]:
    """The surroundings of one attempt that may take ``seconds``; ``folder`` is where the flow's files lie."""
    made = Context(
        step="one",
        deadline=Deadline.after(seconds, "config.timeout"),
        interrupt=Interrupt(),
        connections=Connections(),
        counters=Counters(),
        holds=lambda _: True,
        folder=folder,
    )
    try:
        yield made
    finally:
        made.connections.close()
        made.interrupt.close()


def run_example(name: str, **variables: str) -> Ran:
    """How ``examples/actions/<name>.yaml`` ends with these variables."""
    path = EXAMPLES / f"{name}.yaml"
    layers = Layers(var=variables)
    outside = Outside(names=layers.names(), process=frozenset(), complete=True)
    text = path.read_text(encoding="utf-8")
    (checked,) = check_text(text, name=path.name, catalogue=Registry(), outside=outside, files=FilesBeside(str(path)))
    assert checked.flow is not None, "\n".join(problem.render() for problem in checked.problems)
    return run_flow(checked.flow, Options(layers=layers))


def run_action(action: Action, context: Context, /, **config: Any) -> Result:
    """The result of one step of ``action``."""
    return action.run(canonical(action.spec, config), context)
