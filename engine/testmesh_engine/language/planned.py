"""What the language has and this version does not run: refused by name, never accepted in silence."""

from __future__ import annotations

ACTIONS = frozenset({
    *("wait_until"),
    *("run_flow", "prometheus_query", "loki_query"),
})  # fmt: skip
"""Actions of the language that come later."""

ACTION_ADVICE = {
}
