"""``prometheus_query`` against a real Prometheus."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from support.action_steps import attempt, run_action, run_example
from support.prometheus_server import prometheus_server
from testmesh_engine.actions.base import Context, Result
from testmesh_engine.actions.prometheus_query import PrometheusQuery
from testmesh_engine.contract.result import Outcome
from testmesh_engine.errors import ServiceError


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A running Prometheus that scrapes itself."""
    with prometheus_server(tmp_path_factory.mktemp("prometheus")) as running:
        yield running


@pytest.fixture
def context() -> Iterator[Context]:
    """The surroundings of one attempt."""
    with attempt() as made:
        yield made


def ask(context: Context, url: str, query: str, **config: Any) -> Result:
    """The result of one query."""
    return run_action(PrometheusQuery(), context, url=url, query=query, **config)


@pytest.mark.parametrize(
    ("expected", "query"),
    [
        (1, "up"),
        (Decimal("59.98"), "vector(59.98)"),
        (3, "1 + 2"),
        ("NaN", "vector(0) / 0"),
        ("+Inf", "vector(1) / 0"),
        (None, "nothing_is_called_so"),
    ],
)
def test_one_series_has_one_exact_value(context: Context, url: str, expected: object, query: str) -> None:
    """Of a scalar too; nil where there is none."""
    result = ask(context, url, query)
    assert expected == result["value"]
    assert (0 if expected is None else 1) == result["count"]


def test_several_series_have_no_one_value(context: Context, url: str) -> None:
    """Which one was meant nobody knows; they stand under series with their labels."""
    result = ask(
        context, url, 'label_replace(vector(1), "a", "x", "", "") or label_replace(vector(2), "a", "y", "", "")'
    )
    assert result["value"] is None
    assert isinstance(result["series"], list)
    found = [(series["labels"], series["value"]) for series in result["series"] if isinstance(series, dict)]
    assert [({"a": "x"}, 1), ({"a": "y"}, 2)] == found


def test_a_range_has_values_with_their_times(context: Context, url: str) -> None:
    """By its length until now, or from one moment to another."""
    by_length = ask(context, url, "vector(7)", range="10s", step="5s")
    by_moments = ask(context, url, "vector(7)", start=1700000000, end="2023-11-14T22:13:40Z", step="10s")
    assert isinstance(by_length["series"], list)
    assert isinstance(by_moments["series"], list)
    assert [{"labels": {}, "value": 7, "values": [7, 7, 7], "times": [1700000000, 1700000010, 1700000020]}] == (
        by_moments["series"]
    )
    assert [7, 7, 7] == by_length["series"][0]["values"]  # type: ignore[index, call-overload]  # a map
    assert 7 == by_length["value"]


def test_a_query_that_is_refused_fails_the_step_with_the_reason(context: Context, url: str) -> None:
    """It is the flow's, not Prometheus'."""
    with pytest.raises(ServiceError, match=r"Prometheus refuses the query: .*parse error") as raised:
        ask(context, url, "sum(")
    assert "query_error" == raised.value.kind


def test_the_example_passes(url: str) -> None:
    """examples/actions/prometheus-query.yaml, with its variable set."""
    ran = run_example("prometheus-query", PROMETHEUS_URL=url)
    assert Outcome.PASSED == ran.result.outcome, [step.message for step in ran.result.steps]
