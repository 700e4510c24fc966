"""The known word that is named where an unknown one was found."""

from __future__ import annotations

import pytest

from testmesh_engine.expressions import nearest

KNOWN = ["flow", "opera", "status", "body", "url", "API", "timeout", "id", "Content-Type"]


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("statu", "status"),
        ("tiemout", "timeout"),
        ("bdy", "body"),
        ("ulr", "url"),
        ("APY", "API"),
        ("ids", "id"),
        ("content_type", "Content-Type"),
        ("lower", ""),
        ("nope", ""),
        ("ip", ""),
        ("status", ""),
    ],
)
def test_only_what_is_likely_is_named(word: str, meant: str) -> None:
    """A wrong guess sends its reader the wrong way; of a short word two letters are half of it."""
    assert meant == nearest(word, KNOWN)
