"""``prometheus_query``: asks Prometheus, or what speaks its HTTP API, for one moment or a range of time.

https://prometheus.io/docs/prometheus/latest/querying/api/
"""

from __future__ import annotations

from collections.abc import Mapping

from testmesh_engine.actions.base import Context, Result
from testmesh_engine.actions.config import Config
from testmesh_engine.actions.observability import (
    CONNECTION_KEYS,
    RANGE_KEYS,
    Asked,
    ask,
    only_value,
    series_of,
    show_time,
    url_key,
    why_unsuccessful,
    window,
)
from testmesh_engine.contract.catalogue import ActionSpec, Key, Kind
from testmesh_engine.contract.duration import parse_duration
from testmesh_engine.errors import UsageError
from testmesh_engine.expressions import Value

DEFAULT_STEP = "15s"


class PrometheusQuery:
    """One query; a query that finds nothing is a result, to be asserted on."""

    spec = ActionSpec(
        name="prometheus_query",
        doc="Asks Prometheus for the value of a query, now or over a range of time.",
        example=(
            "- id: failures\n"
            "  action: prometheus_query\n"
            "  config:\n"
            "    url: http://localhost:9090\n"
            "    query: sum(increase(http_requests_total{status=~'5..'}[5m]))\n"
            "  assert: [value == 0]\n"
        ),
        keys=(
            url_key("PROMETHEUS_URL", "the server, such as http://prometheus:9090"),
            Key(name="query", kind=Kind.TEXT, required=True, doc="PromQL"),
            Key(name="time", kind=Kind.ANY, doc="for which moment: RFC 3339, or seconds since 1970", default="now"),
            Key(name="range", kind=Kind.DURATION, doc="over how long until now; in place of time"),
            *RANGE_KEYS,
            Key(name="step", kind=Kind.DURATION, doc="of a range, the time between two values", default=DEFAULT_STEP),
            *CONNECTION_KEYS,
        ),
        results={
            "value": "the value (of a range, the last) where there is exactly one series; else nil",
            "series": "list of {labels, value, values, times}",
            "count": "how many series there are",
        },
        unsuccessful=why_unsuccessful,
    )

    def run(self, config: Mapping[str, Value], context: Context) -> Result:
        """Ask. Raises ``ServiceError`` for a query that is refused, ``PlatformError`` where Prometheus is to blame."""
        settings = Config(self.spec, config)
        params: dict[str, Value] = {"query": settings.text("query"), **window(settings, "range")}
        over_time = "start" in params
        if over_time:
            params["step"] = f"{parse_duration(str(settings.value('step') or DEFAULT_STEP)):g}"
        if settings.value("time") is not None:
            if over_time:
                raise UsageError("time asks for one moment, range and start for a span; write one of them")
            params["time"] = show_time(settings.value("time"))
        path = "/api/v1/query_range" if over_time else "/api/v1/query"
        asked = Asked(server="Prometheus", path=path, params=params, headers={})
        series = series_of(ask(asked, settings, context))
        return {"value": only_value(series), "series": series, "count": len(series)}
