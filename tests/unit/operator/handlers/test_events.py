"""kopf's part: events, and nothing else."""

from __future__ import annotations

import re
from pathlib import Path

from testmesh_operator.cache import Cache
from testmesh_operator.handlers.events import intake, registry, watching
from testmesh_operator.resources.base import Key
from unit.operator import gen

SOURCE = Path(__file__).parents[4] / "operator" / "testmesh_operator"


def test_nothing_of_kopf_is_used_but_events() -> None:
    """Its other handlers write finalizers and annotations, patch without a lock, or cost a core."""
    used = {
        name
        for path in SOURCE.rglob("*.py")
        for name in re.findall(r"\bkopf\.(?:on\.)?([a-zA-Z_]+)", path.read_text(encoding="utf-8"))
    }
    allowed = {"on", "event", "login", "operator", "OperatorRegistry", "OperatorSettings", "ConnectionInfo"}
    assert set() == used - allowed - {"login_with_service_account", "login_with_kubeconfig"}


def test_every_handler_is_an_event_handler() -> None:
    """Also as kopf sees it."""
    made = registry(intake(Cache(lambda: gen.NOW), lambda _: None))
    assert 4 == len(made._watching.get_all_handlers())
    assert [] == [
        *made._changing.get_all_handlers(),
        *made._spawning.get_all_handlers(),
        *made._indexing.get_all_handlers(),
    ]


def test_only_unfinished_runs_and_our_own_jobs_are_watched() -> None:
    """Finished runs and other people's pods never reach the process."""
    settings = watching(gen.SETTINGS)
    assert {"status.result="} == set(settings.watching.field_selectors.values())
    assert {"testmesh.io/run-uid"} == set(settings.watching.label_selectors.values())
    assert (25, True, False) == (
        settings.watching.chunk_size,
        settings.scanning.disabled,
        settings.posting.enabled,
    )


def test_coming_flow_wakes_the_runs_that_wait_for_it() -> None:
    """They need not be asked again and again."""
    woken: list[Key] = []
    cache = Cache(lambda: gen.NOW)
    cache.see_run(gen.run())
    take = intake(cache, woken.append)
    take("TestFlow", gen.flow().to_json(), gone=False)
    assert [gen.flow().key, gen.run().key] == woken


def test_object_that_cannot_be_read_does_not_stop_the_watch() -> None:
    """It is said in the log; the next event comes."""
    woken: list[Key] = []
    intake(Cache(lambda: gen.NOW), woken.append)("TestRun", {"metadata": {"name": "x"}}, gone=False)
    assert [] == woken
