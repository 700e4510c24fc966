"""What the language has and this version does not run: refused by name, never accepted in silence."""

from __future__ import annotations

ACTIONS = frozenset({"run_flow"})
"""Actions of the language that come later."""
