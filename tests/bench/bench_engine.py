"""What the engine costs over the bare libraries: whole processes, the best of a few, as ratios in one run.

``python tests/bench/bench_engine.py`` prints them; language.md, "Cost", has the promises: 200 HTTP steps within 1.5
times a bare httpx loop of the same requests, and one within 1.6 times a bare request.
"""

from __future__ import annotations

import os
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
LOAD = """
import yaml
with open({path!r}) as file:
    assert len(yaml.load(file, yaml.CSafeLoader)["flow"]["steps"]) == {count}
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
    """What one process took.

    Seconds on the clock; seconds of processor, which other load disturbs less; MiB of memory at most.
    """

    wall: float
    processor: float
    memory: float


def cost(command: list[str]) -> Cost:
    """Run ``command`` once; raises where it fails."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    started = time.perf_counter()
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    return Cost(time.perf_counter() - started, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def least(costs: list[Cost]) -> Cost:
    """The least of each."""
    return Cost(
        min(each.wall for each in costs), min(each.processor for each in costs), min(each.memory for each in costs)
    )


def compare(words: str, bare: str, arguments: list[str]) -> None:
    """Print what ``testmesh`` with ``arguments`` costs over the program ``bare``; the two are run in turns."""
    commands = ([sys.executable, "-c", bare], [sys.executable, "-m", "testmesh_engine", *arguments])
    rounds = [[cost(command) for command in commands] for _ in range(ROUNDS)]
    one, other = (least(list(column)) for column in zip(*rounds, strict=True))
    print(
        f"{words}: clock {one.wall * 1000:.0f} -> {other.wall * 1000:.0f} ms, ratio {other.wall / one.wall:.2f}; "
        f"processor {one.processor * 1000:.0f} -> {other.processor * 1000:.0f} ms, "
        f"ratio {other.processor / one.processor:.2f}; memory {one.memory:.0f} -> {other.memory:.0f} MiB"
    )


def main() -> None:
    """Print the ratios."""
    with server() as base, tempfile.TemporaryDirectory() as folder:
        one, many = Path(folder) / "one.yaml", Path(folder) / "many.yaml"
        for path, count in ((one, 1), (many, REQUESTS)):
            path.write_text(flow(base, count), encoding="utf-8")
        once, loop = (LOOP.format(base=base, count=count) for count in (1, REQUESTS))
        load = LOAD.format(path=str(many), count=REQUESTS)
        compare("start and one request, httpx -> testmesh run", once, ["run", str(one)])
        compare(f"{REQUESTS} requests, httpx -> testmesh run", loop, ["run", str(many)])
        compare(f"{REQUESTS} steps, yaml -> testmesh validate", load, ["validate", str(many)])


if __name__ == "__main__":
    main()
