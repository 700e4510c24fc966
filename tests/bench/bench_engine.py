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
from pathlib import Path

REQUESTS = 200
ROUNDS = 5

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


def best_seconds(command: list[str]) -> float:
    """The fastest of a few runs of ``command``; raises where one fails."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}

    def once() -> float:
        started = time.perf_counter()
        subprocess.run(command, check=True, env=environment, stdout=subprocess.DEVNULL)
        return time.perf_counter() - started

    return min(once() for _ in range(ROUNDS))


def compare(base: str, folder: Path, count: int) -> tuple[float, float]:
    """Seconds of the bare loop and of the engine, for ``count`` requests."""
    path = folder / f"{count}.yaml"
    path.write_text(flow(base, count), encoding="utf-8")
    bare = best_seconds([sys.executable, "-c", LOOP.format(base=base, count=count)])
    engine = best_seconds([sys.executable, "-m", "testmesh_engine", "run", str(path)])
    return bare, engine


def main() -> None:
    """Print the ratios."""
    with server() as base, tempfile.TemporaryDirectory() as folder:
        for count, words in ((1, "start and one request"), (REQUESTS, f"{REQUESTS} requests")):
            bare, engine = compare(base, Path(folder), count)
            print(f"{words}: httpx {bare * 1000:.0f} ms, testmesh {engine * 1000:.0f} ms, ratio {engine / bare:.2f}")
    print(f"resident memory: {resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024} MiB at most")


if __name__ == "__main__":
    main()
