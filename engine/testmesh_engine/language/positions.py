"""What stands where in a flow, told by a value's path alone: before the flow is read."""

from __future__ import annotations

import re

_EXPRESSION = re.compile(
    r"""
    flow\.output\..+
    | flow\.(?:.*\.)?(?:setup|steps|teardown|error_steps|then|else|branches)\[\d+\]\.(?:
        (?:assert|assert_any|assert_none)(?:\[\d+\])?(?:\.expression)?
        | when | (?:output|save)\.[^.]+(?:\.path)?
        | (?:config\.)?(?:eventually|poll)\.stop_on | retry\.(?:retry_on|retry_on_not)(?:\[\d+\])?
        | config\.(?:assert|assertions)(?:\[\d+\])?(?:\.expression)?
        | config\.(?:condition|when|expression|until|stop_on|success_condition|items)
        | config\.(?:match|filter)\.(?:where|json_path)(?:\[\d+\])?
    )
    """,
    re.VERBOSE,
)
_ASSERTION = re.compile(r"(?:.*\.)?assert(?:_any|_none)?(?:\[\d+\])?(?:\.expression)?")
_LIST = re.compile(r"(?:.*\.)?(?:setup|steps|teardown|error_steps|assert|assert_any|assert_none)")


def is_expression(path: str) -> bool:
    """Whether an expression stands there: a leading ``!`` is then what it is in Expr.

    Never under a manifest's ``spec.flow``: kubectl reads that, and takes it for a tag.
    """
    return _EXPRESSION.fullmatch(path) is not None


def is_assertion(path: str) -> bool:
    """Whether an assertion stands there, in a manifest too."""
    return _ASSERTION.fullmatch(path) is not None


def is_list_of_items(path: str) -> bool:
    """Whether a list belongs there: steps or assertions."""
    return _LIST.fullmatch(path) is not None
