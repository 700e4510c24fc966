"""examples/custom-action as a person would use it: built, installed, tested, and run by a flow."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parents[3] / "examples/custom-action"


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment of a process that has the package installed, built without the network."""
    folder = tmp_path_factory.mktemp("custom")
    source = shutil.copytree(EXAMPLE, folder / "source")
    target = folder / "site"
    command = ["uv", "pip", "install", "--offline", "--no-deps", "--no-build-isolation", "--target", target, source]
    made = subprocess.run(
        [sys.executable, "-m", *command, "--python", sys.executable], capture_output=True, text=True, check=False
    )
    assert made.returncode == 0, made.stderr
    return {**os.environ, "PYTHONPATH": str(target)}


def test_its_own_tests_pass(installed: dict[str, str]) -> None:
    """They run flows by its entry point."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", EXAMPLE]
    ran = subprocess.run(command, env=installed, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_its_flow_passes_where_it_is_installed_and_is_refused_where_not(installed: dict[str, str]) -> None:
    """The same file, with the package and without."""
    command = [sys.executable, "-m", "testmesh_engine", "run", EXAMPLE / "flow.yaml"]
    with_it = subprocess.run(command, env=installed, capture_output=True, text=True, check=False)
    without = subprocess.run(command, capture_output=True, text=True, check=False)
    assert with_it.returncode == 0, with_it.stdout + with_it.stderr
    assert without.returncode == 2
    assert 'unknown action "dns_lookup"' in without.stdout + without.stderr
