"""Debian packages: what is there is left alone, what is missing is named."""

from __future__ import annotations

import os
from pathlib import Path

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


def installing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> tuple[list[str], Path]:
    """What apt is told while it would install something, each time with what stands in policy-rc.d then; its path."""
    policy, cluster = tmp_path / "policy-rc.d", tmp_path / "d" / "testmesh.conf"
    seen: list[str] = []

    def apt(command: str, *_: str) -> None:
        assert cluster.is_file()
        seen.append(f"{command} {policy.stat().st_mode & 0o111:o} {policy.read_text()}")

    monkeypatch.setattr(packages, "START_NOTHING", policy)
    monkeypatch.setattr(packages, "CREATE_NO_CLUSTER", cluster)
    monkeypatch.setattr(packages, "_refuse_where_apt_cannot", lambda _: None)
    monkeypatch.setattr(packages, "_apt", apt)
    return seen, policy


def test_nothing_that_is_installed_starts_a_service(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Port 80 would be taken by nginx; afterwards its owner's own packages behave as usual."""
    seen, policy = installing(monkeypatch, tmp_path)
    there = iter([False, True])
    ensure([Need("nginx", lambda: next(there))], say=lambda _: None)
    assert ["update 111 #!/bin/sh\nexit 101\n", "install 111 #!/bin/sh\nexit 101\n"] == seen
    assert [] == [path for path in tmp_path.rglob("*") if path.is_file()]
    assert not policy.exists()


def test_what_the_machines_owner_says_of_services_stays(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Containers bring a policy of their own."""
    seen, policy = installing(monkeypatch, tmp_path)
    policy.write_text("#!/bin/sh\n# mine\nexit 101\n")
    there = iter([False, True])
    ensure([Need("nginx", lambda: next(there))], say=lambda _: None)
    assert all("mine" in said for said in seen)
    assert "#!/bin/sh\n# mine\nexit 101\n" == policy.read_text()


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
