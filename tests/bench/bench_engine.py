"""What the engine costs over the bare client: whole processes, the best of a few, as ratios in one run.

``python tests/bench/bench_engine.py`` prints them; language.md, "Cost", has the promises: 200 HTTP steps within 1.5
times a bare httpx loop of the same requests.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

REQUESTS = 200
ROUNDS = 7

LOOP = """
import httpx, yaml
with httpx.Client() as client:
    for number in range({count}):
        response = client.get(f"{base}/orders/{{number}}")
        assert response.status_code == 200
        body = response.json()
        assert body["id"] == 7
        assert len(body["items"]) == 1
"""
STEP = """
    - id: step_{number}
      action: http_request
      config: {{url: "${{BASE}}/orders/{number}"}}
      assert: [status == 200, body.id == 7, len(body.items) == 1]
      output: {{order_{number}: $.body.id}}
"""


@contextmanager
def server() -> Iterator[str]:
    """The base URL of a running server."""
    with subprocess.Popen([sys.executable, Path(__file__).with_name("server.py")], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        process.kill()


def flow(base: str, count: int) -> str:
    """A flow of ``count`` HTTP steps."""
    steps = "".join(STEP.format(number=number) for number in range(count))
    return f'flow:\n  name: bench\n  env: {{BASE: "{base}"}}\n  steps:{steps}'


@dataclass(frozen=True)
class Cost:
    """What one process took: seconds on the clock, and seconds of processor, which other load disturbs less."""

    wall: float
    processor: float


def cost(command: list[str]) -> Cost:
    """Run ``command`` once; raises where it fails."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    started = time.perf_counter()
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    return Cost(time.perf_counter() - started, usage.ru_utime + usage.ru_stime)


def compare(base: str, folder: Path, count: int) -> tuple[Cost, Cost]:
    """The least cost of the bare loop and of the engine for ``count`` requests, run in turns."""
    path = folder / f"{count}.yaml"
    path.write_text(flow(base, count), encoding="utf-8")
    commands = (
        [sys.executable, "-c", LOOP.format(base=base, count=count)],
        [sys.executable, "-m", "testmesh_engine", "run", str(path)],
    )
    seen = [[cost(command) for command in commands] for _ in range(ROUNDS)]
    bare, engine = (
        Cost(min(each.wall for each in column), min(each.processor for each in column))
        for column in zip(*seen, strict=True)
    )
    return bare, engine


def main() -> None:
    """Print the ratios."""
    with server() as base, tempfile.TemporaryDirectory() as folder:
        for count, words in ((1, "start and one request"), (REQUESTS, f"{REQUESTS} requests")):
            bare, engine = compare(base, Path(folder), count)
            clock = f"{bare.wall * 1000:.0f} -> {engine.wall * 1000:.0f} ms, ratio {engine.wall / bare.wall:.2f}"
            used = f"{bare.processor * 1000:.0f} -> {engine.processor * 1000:.0f} ms"
            ratio = engine.processor / bare.processor
            print(f"{words}, httpx -> testmesh: clock {clock}; processor {used}, ratio {ratio:.2f}")
    print(f"resident memory: {resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024} MiB at most")


if __name__ == "__main__":
    main()
