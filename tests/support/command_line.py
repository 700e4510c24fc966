"""Starts the engine as a process, as a person and as a pod do."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO

RUN_UID = "6f1d0c1e-0000-4000-8000-000000000001"


class Cli:
    """Starts ``python -m testmesh_engine`` in a folder of its own, with the environment of a pod."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.verdict = folder / "verdict"
        self.environment = {
            "PATH": os.environ["PATH"],
            "RUN_ID": RUN_UID,
            "TESTMESH_ATTEMPT": "0",
            "TESTMESH_GRACE_SECONDS": "30",
        }

    def flow(self, body: str, name: str = "flow.yaml") -> Path:
        """A flow file of what stands under ``flow:``, without its name."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        lines = "\n".join(f"  {line}" for line in body.strip().splitlines())
        path.write_text(f"flow:\n  name: tested\n{lines}\n", encoding="utf-8")
        return path

    def start(self, *arguments: str | Path, stderr: IO[str] | int = subprocess.PIPE) -> subprocess.Popen[str]:
        """The process, under way."""
        command = [sys.executable, "-m", "testmesh_engine", *map(str, arguments)]
        return subprocess.Popen(
            command,
            env=self.environment,
            cwd=self.folder,
            text=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stderr,
        )

    def call(self, *arguments: str | Path, stdin: str = "") -> tuple[int, str, str]:
        """Exit code, standard output, standard error."""
        with self.start(*arguments) as process:
            out, err = process.communicate(stdin, timeout=60)
        assert "Traceback" not in out + err, out + err
        return process.returncode, out, err

    def in_pod(self, path: Path) -> tuple[str | Path, ...]:
        """The arguments of a runner pod."""
        return ("run", path, "--report", "jsonl=-", "--report", f"verdict={self.verdict}")


def until(condition: Callable[[], bool], seconds: float = 20) -> None:
    """Wait until the condition holds."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.02)
