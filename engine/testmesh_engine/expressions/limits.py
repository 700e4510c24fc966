"""The bounds of one expression and of one evaluation: a flow's author must not be able to hang or fill a runner."""

from __future__ import annotations

MAX_NESTING = 64
"""Parentheses, brackets, calls and signs within each other."""

MAX_RECURSION = 150
"""Operands within operands that need no parentheses (``a ? b : c ? d : …``); Python's own stack ends near 1,000."""

MAX_CHAIN = 200
"""Operators in one chain (``a + b + c …``), as each is one Python frame of the evaluation."""

MAX_RANGE = 100_000
"""Items of one ``a..b``."""

MAX_CALLS = 1_000_000
"""Predicate calls of one evaluation."""

MAX_BYTES = 16 * 1024 * 1024
"""Characters, bytes and items that one evaluation may make."""
