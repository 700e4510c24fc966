"""Expr itself, the Go module: built once into the cache, asked in one go."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

from cluster.node import toolchain
from cluster.node.progress import Progress
from support.cache import cache_folder, filled, key_of
from support.errors import SetupError
from support.expr.cases import ENV, ERROR
from testmesh_engine.expressions import Value, parse_json, show

MODULE = Path(__file__).parent
SOURCES = ("go.mod", "go.sum", "main.go")


def answers(texts: Sequence[str]) -> list[Value | type[Exception]]:
    """What Expr gives for each expression over ``ENV``; ``Exception`` where it gives an error.

    Raises:
        SetupError: the program can't be built.
    """
    questions = "".join(json.dumps({"expr": text, "env": ENV}) + "\n" for text in texts)
    done = subprocess.run([_program()], input=questions, capture_output=True, text=True, check=True)
    told = [parse_json(line) for line in done.stdout.splitlines()]
    return [answer["value"] if isinstance(answer, dict) and "value" in answer else Exception for answer in told]


def shown(outcome: Value | type[Exception]) -> str:
    """An outcome as the cases have it."""
    return ERROR if isinstance(outcome, type) else show(outcome)


def _program() -> Path:
    go = toolchain.find(cache_folder(), Progress())
    version = subprocess.run([go, "env", "GOVERSION"], capture_output=True, text=True, check=True).stdout
    key = key_of(version, *((MODULE / name).read_bytes() for name in SOURCES))
    return filled("expr", key, fill=lambda folder: _build(go, folder)) / "expr"


def _build(go: Path, folder: Path) -> None:
    command: list[str | Path] = [go, "build", "-mod=readonly", "-trimpath", "-o", folder / "expr", "."]
    env = {**os.environ, "CGO_ENABLED": "0", "GOFLAGS": ""}
    done = subprocess.run(command, cwd=MODULE, env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SetupError(f"Expr can't be built:\n{done.stderr.strip()}")
