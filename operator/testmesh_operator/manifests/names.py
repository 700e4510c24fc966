"""Names of what belongs to a run: made from its uid, so that two runs of one name never share an object."""

from __future__ import annotations

import hashlib

_READABLE = 40


def object_name(run: str, uid: str) -> str:
    """Name of a run's Job and ConfigMap: at most 51 characters, so that the pods' names, 8 longer, fit a label."""
    readable = run[:_READABLE].replace(".", "-").rstrip("-")
    return f"{readable}-{hashlib.sha256(uid.encode()).hexdigest()[:10]}"


def text_hash(text: str) -> str:
    """What status calls a flow's hash: 16 hex digits of the text's SHA-256."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]
