"""The reference keeps its word: its flows run against the service that they are about, its output is what comes."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from support.command_line import Cli, until
from support.ports import HOST, free_port
from support.reference import ENGINE, SERVICE, Block, blocks

FLOWS = [block for block in blocks("yaml") if block.runs()]
SHOWN = blocks("console")
SHOWN_URL = "http://localhost:8080"
CHANGING = (
    (r"\b\d+ ms", "N ms"),
    (r"john-\d+", "john-N"),
    (r"00-[0-9a-f]{32}-[0-9a-f]{16}-01", "00-T-S-01"),
    (r"--seed [0-9a-f]{8}", "--seed X"),
)
"""What is another one in each run."""


@contextmanager
def service(*options: str) -> Iterator[str]:
    """The URL of the service of the examples, with no order in it."""
    port = free_port()
    url = f"http://{HOST}:{port}"
    command = [sys.executable, str(SERVICE / "orders.py"), "--port", str(port), *options]
    with subprocess.Popen(command) as process:
        try:
            until(lambda: answers(port))
            yield url
        finally:
            process.kill()


def answers(port: int) -> bool:
    """Whether somebody listens there."""
    with suppress(OSError), socket.create_connection((HOST, port), timeout=5):
        return True
    return False


@pytest.fixture(scope="module")
def orders() -> Iterator[str]:
    """One service for all flows that pass."""
    with service() as url:
        yield url


@pytest.mark.parametrize("block", FLOWS, ids=[block.place for block in FLOWS])
def test_a_flow_of_the_reference_passes(cli: Cli, orders: str, block: Block) -> None:
    """Against the service that stands beside the first one."""
    (cli.folder / "flow.yaml").write_text(block.flow(), encoding="utf-8")
    cli.environment["API"] = orders
    code, out, err = cli.call("run", "flow.yaml")
    assert 0 == code, out + err


@pytest.mark.parametrize("block", SHOWN, ids=[block.place for block in SHOWN])
def test_a_command_of_the_reference_prints_what_the_page_shows(cli: Cli, block: Block) -> None:
    """But for what is another one in each run: times and random values."""
    saved(block.page, cli.folder)
    command, _, expected = block.text.partition("\n")
    with service(*re.findall(r"orders\.py (--[\w-]+)", block.above)) as url:
        cli.environment["API"] = url
        _, out, err = cli.call(*command.removeprefix("$ testmesh ").split())
        assert steady(expected) == steady((out + err).replace(url, SHOWN_URL))


def saved(page: str, folder: Path) -> None:
    """Save the files of a page as its reader would, and the flow of the first page, right and wrong."""
    flow = (SERVICE / "order.yaml").read_text(encoding="utf-8")
    (folder / "order.yaml").write_text(flow, encoding="utf-8")
    (folder / "broken.yaml").write_text(flow.replace("body.total ==", "body.total ="), encoding="utf-8")
    for block in blocks("yaml"):
        if block.page == page and block.file:
            (folder / block.file).write_text(block.text, encoding="utf-8")


def steady(text: str) -> str:
    """The text without what is another one in each run."""
    for pattern, instead in CHANGING:
        text = re.sub(pattern, instead, text)
    return text


def test_every_field_of_the_reports_for_machines_stands_in_the_reference(cli: Cli, orders: str) -> None:
    """A field that is not in the reference is not there for anyone."""
    saved("engine/reference/reports.md", cli.folder)
    cli.environment["API"] = orders
    cli.call("run", "kept.yaml", "--report", "json=all.json", "--report", "jsonl=all.jsonl")
    events = [json.loads(line) for line in (cli.folder / "all.jsonl").read_text(encoding="utf-8").splitlines()]
    found = {
        key
        for value in (json.loads((cli.folder / "all.json").read_text(encoding="utf-8")), *events)
        for key in fields(value)
    }
    page = (ENGINE / "reference" / "reports.md").read_text(encoding="utf-8")
    words = {word for code in re.findall(r"`([^`\n]+)`", page) for word in re.findall(r"\w+", code)}
    assert {"operands", "first_failure"} <= found
    assert [] == sorted(found - words)


def fields(value: object) -> Iterator[str]:
    """All keys of the report's own maps: not those of requests, responses, outputs and values."""
    for key, each in value.items() if isinstance(value, dict) else ():
        yield key
        if key not in {"request", "response", "output", "value"}:
            yield from fields(each)
    for each in value if isinstance(value, list) else ():
        yield from fields(each)
