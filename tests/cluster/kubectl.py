"""The cluster as a person sees it: everything here goes through ``kubectl``."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")


class KubectlError(AssertionError):
    """A command failed; the message is what it printed. An assertion, so that the test that asked for it fails."""


@dataclass(frozen=True, slots=True)
class Kubectl:
    """``kubectl`` for one kubeconfig."""

    binary: Path
    kubeconfig: Path

    def __call__(self, *arguments: str, stdin: str | None = None, timeout: float = 120) -> str:
        """Run one command and return what it printed. Raises :class:`KubectlError` where it fails."""
        command = self.command(*arguments)
        done = subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=timeout, check=False)
        if done.returncode:
            raise KubectlError(f"kubectl {' '.join(arguments)}\n{done.stderr.strip()}")
        return done.stdout

    def command(self, *arguments: str) -> list[str]:
        """The words of a command line, for a caller that runs it itself."""
        return [str(self.binary), f"--kubeconfig={self.kubeconfig}", *arguments]

    def get(self, kind: str, name: str, *, namespace: str = "") -> dict[str, Any]:
        """One object, as the API server gives it."""
        return self._json("get", kind, name, *_in(namespace), "-o", "json")

    def list(self, kind: str, *, namespace: str = "", selector: str = "") -> list[dict[str, Any]]:
        """All objects of a kind in a namespace, or those that a label selector picks."""
        chosen = ["-l", selector] if selector else []
        items: list[dict[str, Any]] = self._json("get", kind, *_in(namespace), *chosen, "-o", "json")["items"]
        return items

    def apply(self, text: str) -> None:
        """Apply manifests given as text."""
        self("apply", "-f", "-", stdin=text)

    def make_anew(self, file: Path) -> None:
        """Make the objects of a file, in the place of those of an earlier try: a finished run stays as it is."""
        self("replace", "--force", "-f", str(file))

    def wait_finished(self, run: str, *, namespace: str, timeout: float = 120) -> dict[str, Any]:
        """Wait for a TestRun's condition ``Finished`` and return the run, whatever its result."""
        resource = f"testruns.testmesh.io/{run}"
        try:
            self(
                "wait",
                resource,
                *_in(namespace),
                "--for=condition=Finished",
                f"--timeout={timeout}s",
                timeout=timeout + 30,
            )
        except KubectlError as error:
            raise KubectlError(f"{error}\n{self('get', resource, *_in(namespace), '-o', 'yaml')}") from error
        return self.get("testruns.testmesh.io", run, namespace=namespace)

    def _json(self, *arguments: str) -> dict[str, Any]:
        data: dict[str, Any] = json.loads(self(*arguments))
        return data


def eventually(read: Callable[[], T | None], *, what: str, timeout: float = 60) -> T:
    """The first value of ``read`` that is something. Raises ``AssertionError`` that says what was waited for."""
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        value = read()
        if value:
            return value
        time.sleep(0.1)
    raise AssertionError(f"waited {timeout:.0f} s for {what}")


def _in(namespace: str) -> list[str]:
    return ["--namespace", namespace] if namespace else []
