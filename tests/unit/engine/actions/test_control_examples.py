"""The example of each action that holds other steps, or needs no service but one: run as it stands."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from support.action_steps import run_example
from support.web import Web, web_server
from testmesh_engine.contract.result import Outcome


@pytest.fixture(scope="module")
def web() -> Iterator[Web]:
    """A running server."""
    with web_server() as running:
        yield running


@pytest.mark.parametrize("name", ["assert", "condition", "for-each", "parallel", "run-flow", "transform", "wait-until"])
def test_the_example_passes(web: Web, name: str) -> None:
    """With the address of the service as its only variable."""
    ran = run_example(name, API=web.url)
    assert Outcome.PASSED == ran.result.outcome, ran.result.first_failure
