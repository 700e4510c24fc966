"""The action as a flow runs it: through the engine, by its entry point."""

# ruff: noqa: S101, S603 - pytest asserts, and the program is our own
from __future__ import annotations

import subprocess
import sys
from pathlib import Path

FLOW = """
flow:
  name: Names are known
  steps:
    - id: found
      action: dns_lookup
      config: {{host: {host}, family: ipv4}}
      assert: ['"127.0.0.1" in addresses', 'count >= 1']
"""


def call(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """How a call of the command line ends."""
    return subprocess.run(
        [sys.executable, "-m", "testmesh_engine", *arguments], capture_output=True, text=True, check=False, timeout=60
    )


def run(folder: Path, host: str) -> subprocess.CompletedProcess[str]:
    """How a flow that looks up ``host`` ends."""
    path = folder / "flow.yaml"
    path.write_text(FLOW.format(host=host), encoding="utf-8")
    return call("run", path)


def test_a_name_has_its_addresses(tmp_path: Path) -> None:
    """Localhost is known everywhere."""
    ran = run(tmp_path, "localhost")
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_a_name_that_is_none_fails_the_step(tmp_path: Path) -> None:
    """It is the service that is missing: exit code 1, and the name is told."""
    ran = run(tmp_path, "nowhere.invalid")
    assert ran.returncode == 1, ran.stdout + ran.stderr
    assert "nowhere.invalid can't be resolved" in ran.stdout


def test_the_action_is_described_like_a_built_in_one() -> None:
    """By its own declaration."""
    shown = call("actions", "dns_lookup").stdout
    assert "Looks up the addresses of a host name." in shown
    assert "addresses" in shown


def test_a_key_that_it_does_not_have_is_refused_before_the_run(tmp_path: Path) -> None:
    """With its line, as for every action."""
    path = tmp_path / "flow.yaml"
    path.write_text(FLOW.format(host="localhost").replace("family", "famly"), encoding="utf-8")
    checked = call("validate", path)
    assert checked.returncode == 2
    assert 'dns_lookup has no key "famly"' in checked.stdout + checked.stderr
