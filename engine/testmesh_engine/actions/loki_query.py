"""``loki_query``: asks Loki for lines of logs, or for a number made of them.

https://grafana.com/docs/loki/latest/reference/loki-http-api/
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
    url_key,
    why_unsuccessful,
    window,
)
from testmesh_engine.contract.catalogue import ActionSpec, Key, Kind
from testmesh_engine.errors import UsageError
from testmesh_engine.expressions import Value

DEFAULT_LIMIT = 100


class LokiQuery:
    """One query; a query that finds nothing is a result, to be asserted on."""

    spec = ActionSpec(
        name="loki_query",
        doc="Asks Loki for lines of logs, or for what a metric query makes of them.",
        example=(
            "- id: complaints\n"
            "  action: loki_query\n"
            "  config:\n"
            "    url: http://localhost:3100\n"
            '    query: \'{app="order-service"} |= "ERROR"\'\n'
            "    range: 5m\n"
            "  assert: [count == 0]\n"
        ),
        keys=(
            url_key("LOKI_URL", "the server, such as http://loki:3100"),
            Key(name="query", kind=Kind.TEXT, required=True, doc="LogQL"),
            Key(name="range", kind=Kind.DURATION, doc="over how long until now", default="1h", aliases=("since",)),
            *RANGE_KEYS,
            Key(name="limit", kind=Kind.INTEGER, doc="how many lines at most", default=str(DEFAULT_LIMIT)),
            Key(
                name="direction",
                kind=Kind.TEXT,
                doc="which lines come first: backward is the newest",
                default="backward",
                choices=("BACKWARD", "FORWARD"),
            ),
            Key(name="tenant", kind=Kind.TEXT, doc="whose logs, where there are several tenants (X-Scope-OrgID)"),
            *CONNECTION_KEYS,
        ),
        results={
            "lines": "the lines, in the order that direction says; of a metric query none",
            "value": "of a metric query, the last value where there is exactly one series; of others the first line",
            "series": "list of {labels, lines, times}, of a metric query {labels, value, values, times}",
            "count": "how many lines there are; of a metric query, how many series",
        },
        unsuccessful=why_unsuccessful,
    )

    def run(self, config: Mapping[str, Value], context: Context) -> Result:
        """Ask. Raises ``ServiceError`` for a query that is refused, ``PlatformError`` where Loki is to blame."""
        settings = Config(self.spec, config)
        limit = settings.integer("limit", DEFAULT_LIMIT)
        if limit < 1:
            raise UsageError(f"limit is 1 or more, found {limit}")
        span = {} if settings.value("start") is not None else {"range": settings.value("range") or "1h"}
        direction = settings.text("direction", "backward").lower()
        params: dict[str, Value] = {
            "query": settings.text("query"),
            "limit": limit,
            "direction": direction,
            **window(Config(self.spec, {**config, **span}), "range"),
        }
        tenant = settings.text("tenant")
        headers: dict[str, Value] = {"X-Scope-OrgID": tenant} if tenant else {}
        asked = Asked(server="Loki", path="/loki/api/v1/query_range", params=params, headers=headers)
        data = ask(asked, settings, context)
        if data.get("resultType") != "streams":
            series = series_of(data)
            return {"lines": [], "value": only_value(series), "series": series, "count": len(series)}
        return _of_streams(data.get("result"), newest_first=direction == "backward")


def _of_streams(result: Value, *, newest_first: bool) -> Result:
    """The lines of all streams in one order: each stream has its own."""
    series: list[Value] = []
    all_lines: list[tuple[int, Value]] = []
    for stream in result if isinstance(result, list) else []:
        if isinstance(stream, dict):
            labels, values = stream.get("stream"), stream.get("values")
            pairs = [pair for pair in (values if isinstance(values, list) else []) if isinstance(pair, list)]
            series.append(
                {"labels": labels, "lines": [pair[1] for pair in pairs], "times": [pair[0] for pair in pairs]}
            )
            all_lines += [(int(str(pair[0])), pair[1]) for pair in pairs]
    all_lines.sort(key=lambda pair: pair[0], reverse=newest_first)
    lines = [line for _, line in all_lines]
    return {"lines": lines, "value": lines[0] if lines else None, "series": series, "count": len(lines)}
