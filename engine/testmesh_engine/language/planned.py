"""What the language has and this version does not run: refused by name, never accepted in silence."""

from __future__ import annotations

ACTIONS = frozenset({
    *("assert", "transform", "wait_until"),
    *("run_flow", "prometheus_query", "loki_query"),
    *("mock_server_start", "mock_server_stop", "mock_server_configure", "mock_server_verify", "mock_server_update"),
})  # fmt: skip
"""Actions of the language that come later."""

ACTION_ADVICE = {
    "wait_until": "Use eventually: {timeout: 30s} on the step that asks.",
    "assert": "Put the assertions under assert of the step whose result they are about.",
}
