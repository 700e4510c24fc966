"""Debian packages: what is there is left alone, what is missing is named."""

from __future__ import annotations

import os

import pytest

from support import packages
from support.errors import SetupError
from support.packages import Need, ensure, missing

THERE = Need("coreutils", lambda: True)
MISSING = Need("no-such-package", lambda: False)


def test_only_what_is_missing_is_named_and_once() -> None:
    """Two programs may come with one package."""
    assert ("no-such-package",) == missing([THERE, MISSING, MISSING])


def test_nothing_is_done_when_all_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even apt is asked."""
    monkeypatch.setattr(packages, "_apt", lambda *_: pytest.fail("apt was called"))
    ensure([THERE])


def test_without_root_the_command_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is tried that can't work."""
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(SetupError, match=r"sudo apt-get install --no-install-recommends no-such-package"):
        ensure([THERE, MISSING])


def test_without_apt_the_programs_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """On another system one installs them by its own means."""
    monkeypatch.setattr(packages, "find_command", lambda _: None)
    with pytest.raises(SetupError, match=r"no-such-package .*there is no apt-get here"):
        ensure([MISSING])
