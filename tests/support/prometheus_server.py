"""Prometheus on loopback, which scrapes itself every 100 ms: a folder of its own, gone at the end."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from support import packages
from support.ports import HOST, free_port
from support.process import Process, Program, clean_environment

START_SECONDS = 30


@contextmanager
def prometheus_server(folder: Path) -> Iterator[str]:
    """The URL of a running server whose files lie in ``folder``, and that has scraped itself already."""
    packages.ensure((packages.PROMETHEUS,))
    program = packages.find_command("prometheus")
    assert program is not None
    address = f"{HOST}:{free_port()}"
    job = {"job_name": "itself", "static_configs": [{"targets": [address]}]}
    config = folder / "prometheus.yml"
    settings = {"global": {"scrape_interval": "100ms", "scrape_timeout": "100ms"}, "scrape_configs": [job]}
    config.write_text(json.dumps(settings), encoding="utf-8")
    storage = f"--storage.tsdb.path={folder}/data"
    process = Process(
        Program(
            name="prometheus",
            command=[program, f"--config.file={config}", storage, f"--web.listen-address={address}"],
            environment=clean_environment(),
            log=folder / "prometheus.log",
            folder=folder,
        )
    )
    try:
        process.wait_until(lambda: _has_scraped(address), seconds=START_SECONDS)
        yield f"http://{address}"
    finally:
        process.stop()


def _has_scraped(address: str) -> bool:
    try:
        with urllib.request.urlopen(f"http://{address}/api/v1/query?query=up", timeout=2) as answer:
            return b'"itself"' in answer.read()
    except (OSError, urllib.error.URLError):
        return False
