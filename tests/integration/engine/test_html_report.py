"""The html report in a real browser: it shows what it should, and lets nothing come alive that a service sent."""

from __future__ import annotations

import json
import re
import struct
import zlib
from collections.abc import Iterator
from dataclasses import replace
from html import unescape
from pathlib import Path

import pytest

from support.browser import Site, look, screenshot, site
from testmesh_engine.contract.result import FlowResult
from testmesh_engine.report.html import page
from unit.engine.report.results import FAILED, FLOW, GOOD, PASSED, SKIPPED, wild

OUTER = """<!DOCTYPE html><body><iframe src="/page{hash}" {sandbox} style="width:1000px;height:900px"></iframe><script>
addEventListener("load", () => setTimeout(() => {{
  const inner = document.querySelector("iframe");
  const page = inner.contentDocument, root = page.documentElement;
  const visible = () => [...page.querySelectorAll("details.step")].filter((each) => each.checkVisibility()).length;
  const type = (key) => page.dispatchEvent(new inner.contentWindow.KeyboardEvent("keydown", {{key, bubbles: true}}));
  const found = {{}};
  {script}
  document.body.dataset.found = JSON.stringify(found);
}}, 300));
</script></body>"""
"""A page around the report that uses it as a person would, and writes down what it found."""


@pytest.fixture
def wild_site() -> Iterator[Site]:
    """A server with the report on results that hold all that makes trouble."""
    with site({"/page": page(wild())}) as served:
        yield served


def used(script: str, *flows: FlowResult, at: str = "", sandbox: str = "") -> dict[str, object]:
    """What the script found in the report on the flows."""
    outer = OUTER.format(script=script, hash=at, sandbox=sandbox)
    with site({"/page": page(flows), "/": outer}) as served:
        seen = look(served.url)
    assert [] == [said for said in seen.console if "is sandboxed" not in said]
    match = re.search(r'data-found="([^"]*)"', seen.dom)
    assert match, seen.dom[:2000]
    found: dict[str, object] = json.loads(unescape(match[1]))
    return found


def test_the_page_runs_its_script_and_nothing_else(wild_site: Site) -> None:
    """No error on the console, no element that a service sent, no request but for the page itself."""
    seen = look(f"{wild_site.url}/page")
    assert 'data-script="ran"' in seen.dom
    assert () == seen.console
    assert "<img" not in seen.dom
    assert "&lt;img src=x onerror=alert(1)&gt;" in seen.dom
    assert {"/page"} == set(wild_site.asked) - {"/favicon.ico"}


def test_a_script_that_got_into_the_page_would_not_run() -> None:
    """The page's own policy is the second wall behind escaping: it also keeps images from being fetched."""
    broken = page([FLOW]).replace("<main", "<script>document.title = 'owned'</script><img src='/leak'><main", 1)
    with site({"/page": broken}) as served:
        seen = look(f"{served.url}/page")
    assert "<title>owned" not in seen.dom
    assert "/leak" not in served.asked
    assert any("Content Security Policy" in said for said in seen.console)


def test_it_reads_without_scripts() -> None:
    """Everything is there, what failed is open; only the tools are not."""
    script = """
      found.ran = root.dataset.script === "ran";
      found.tools = page.getElementById("tools").checkVisibility();
      found.steps = visible();
      found.why = page.querySelector("#flow-1-ask .why").checkVisibility();
    """
    expected = {"ran": False, "tools": False, "steps": 3, "why": True}
    assert expected == used(script, FLOW, sandbox='sandbox="allow-same-origin"')


def test_the_filter_leaves_what_failed() -> None:
    """By its button and by its key; and takes itself back."""
    script = """
      found.before = visible();
      page.getElementById("failed-only").click();
      found.filtered = visible();
      found.show = root.dataset.show;
      found.pressed = page.getElementById("failed-only").getAttribute("aria-pressed");
      type("f");
      found.after = visible();
    """
    expected = {"before": 4, "filtered": 1, "show": "failed", "pressed": "true", "after": 4}
    assert expected == used(script, FLOW, GOOD, SKIPPED)


def test_a_link_opens_its_step() -> None:
    """Also one that has passed, and is folded."""
    script = """
      found.linked = page.getElementById("flow-2-first").open;
      found.other = page.getElementById("flow-1-first").open;
    """
    assert {"linked": True, "other": False} == used(script, FLOW, GOOD, at="#flow-2-first")


def test_a_link_is_followed_in_spite_of_the_filter() -> None:
    """What it points at was hidden."""
    script = """
      page.getElementById("failed-only").click();
      found.hidden = !page.getElementById("flow-2-first").checkVisibility();
      inner.contentWindow.location.hash = "#flow-2-first";
      inner.contentWindow.dispatchEvent(new inner.contentWindow.HashChangeEvent("hashchange"));
      found.shown = page.getElementById("flow-2-first").checkVisibility();
    """
    assert {"hidden": True, "shown": True} == used(script, FLOW, GOOD)


def test_keys_lead_from_failure_to_failure() -> None:
    """Forth and back, in the order of the page."""
    script = """
      type("n"); found.first = page.activeElement.closest("details").id;
      type("n"); found.second = page.activeElement.closest("details").id;
      type("p"); found.back = page.activeElement.closest("details").id;
    """
    flow = replace(FLOW, steps=(PASSED, FAILED, replace(FAILED, id="more")))
    assert {"first": "flow-1-ask", "second": "flow-1-more", "back": "flow-1-ask"} == used(script, flow)


def test_a_run_of_500_steps_stays_usable() -> None:
    """The page is made, laid out and filtered within the time of a look."""
    steps = tuple(replace(FAILED if number % 50 == 0 else PASSED, id=f"s{number}") for number in range(500))
    script = """
      const from = performance.now();
      page.getElementById("failed-only").click();
      found.filtered = visible();
      found.quick = performance.now() - from < 1000;
    """
    assert {"filtered": 10, "quick": True} == used(script, replace(FLOW, steps=steps))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_picture_of_it_is_not_blank(scheme: str, tmp_path: Path) -> None:
    """Letters, marks and bars on paper that is light or dark as the reader's system is."""
    file = tmp_path / "page.html"
    file.write_text(page([FLOW, GOOD]), encoding="utf-8")
    wanted = ["--blink-settings=preferredColorScheme=0"] if scheme == "dark" else []
    screenshot(file.as_uri(), tmp_path / "page.png", *wanted, size=(1000, 800))
    pixels = _bytes_of((tmp_path / "page.png").read_bytes())
    assert len(set(pixels)) > 60
    assert (scheme == "dark") is (sum(pixels[1:4]) < 3 * 128)


def _bytes_of(png: bytes) -> bytes:
    """The bytes of a PNG's lines; the first line's are plain, but for its leading filter byte."""
    at, packed = 8, b""
    while at < len(png):
        (length,) = struct.unpack(">I", png[at : at + 4])
        if png[at + 4 : at + 8] == b"IDAT":
            packed += png[at + 8 : at + 8 + length]
        at += length + 12
    return zlib.decompress(packed)
