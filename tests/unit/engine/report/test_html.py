"""The html report as text: what it holds, that it is one file, and that nothing in it comes alive.

How a browser shows it is tested in tests/integration/engine/test_html_report.py.
"""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

from testmesh_engine.contract.result import AssertionResult, Operand, Outcome
from testmesh_engine.report.html import page
from unit.engine.report.results import ATTEMPT, FAILED, FLOW, GOOD, PASSED, SKIPPED, wild, written

VOID = frozenset({"meta", "br", "input", "rect", "link", "img"})


class Page(HTMLParser):
    """Reads a page strictly: each element that is opened is closed, and in its place."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.texts: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note it, and that it is open."""
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note it; it closes itself."""
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        """It is the one that was opened last."""
        assert tag == self.open.pop()

    def handle_data(self, data: str) -> None:
        """Note the text."""
        self.texts.append(data)

    def ids(self) -> list[str]:
        """All ids, in reading order."""
        return [str(attributes["id"]) for _, attributes in self.tags if "id" in attributes]


def test_the_page_is_well_formed_whatever_a_service_sent() -> None:
    """Every element is closed in its place, every id is there once."""
    read = Page(page(wild()))
    assert [] == read.open
    assert len(read.ids()) == len(set(read.ids()))


def test_nothing_a_service_sent_becomes_markup() -> None:
    """Neither an element, nor an attribute, nor the end of the page's own script."""
    text = page(wild())
    read = Page(text)
    assert {"img"}.isdisjoint(tag for tag, _ in read.tags)
    assert 1 == sum(tag == "script" for tag, _ in read.tags)
    assert not [name for _, attributes in read.tags for name in attributes if name.startswith("on")]
    assert any("<img src=x onerror=alert(1)>" in data for data in read.texts)
    assert not set("\x00\x1b\x9b\u202e") & set(text)


def test_the_page_fetches_nothing_and_runs_only_its_own_script() -> None:
    """One file: no address to load from, and a policy that names style and script by their hashes."""
    text = page([FLOW])
    read = Page(text)
    assert not [name for _, attributes in read.tags for name in attributes if name in ("src", "srcset", "style")]
    assert all(str(attributes["href"]).startswith("#") for _, attributes in read.tags if "href" in attributes)
    policy = next(str(each["content"]) for tag, each in read.tags if tag == "meta" and "http-equiv" in each)
    assert "default-src 'none'" in policy
    for tag in ("style", "script"):
        held = re.findall(rf"<{tag}>(.*?)</{tag}>", text, flags=re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(held[0].encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy
        assert 1 == len(held)


def test_a_failed_step_is_open_and_shows_what_was_compared() -> None:
    """Expected beside actual, only where they differ."""
    assertion = AssertionResult(
        expression='body == {"qty": 3, "same": 1}',
        passed=False,
        message="body.qty is 2, not 3",
        operands=(Operand(source="body", value={"qty": 2, "same": 1}),),
    )
    text = page([replace(FLOW, steps=(PASSED, replace(FAILED, attempts=(replace(ATTEMPT, assertions=(assertion,)),))))])
    assert '<details class="step failed bad" id="flow-1-ask" open>' in text
    assert '<details class="step passed" id="flow-1-first">' in text
    assert (
        '<tr><td><code>body.qty</code></td><td><ins><code><span class="n">3</span></code></ins></td>'
        '<td><del><code><span class="n">2</span></code></del></td></tr>'
    ) in text
    assert "body.same" not in text


def test_two_texts_of_many_lines_are_compared_by_line() -> None:
    """One does not look for the letter oneself."""
    assertion = AssertionResult(
        expression='body == "a\\nb\\nc"', passed=False, message="x", operands=(Operand(source="body", value="a\nB\nc"),)
    )
    text = page([replace(FLOW, steps=(replace(FAILED, attempts=(replace(ATTEMPT, assertions=(assertion,)),)),))])
    assert "<span>  a</span>\n<del>- B</del>\n<ins>+ b</ins>\n<span>  c</span>" in text


def test_a_request_as_a_command_stands_by_itself() -> None:
    """It is there to be copied."""
    attempt = replace(ATTEMPT, request={"method": "GET", "curl": "curl -i \\\n  'http://h/'"})
    text = page([replace(FLOW, steps=(replace(FAILED, attempts=(attempt,)),))])
    assert '<pre tabindex="0">curl -i \\\n  &#x27;http://h/&#x27;</pre>' in text
    assert "curl&quot;" not in text


def test_bars_show_when_steps_and_attempts_ran() -> None:
    """In thousandths of the flow, never beyond it."""
    attempts = (replace(ATTEMPT, started_ms=500, duration_ms=100), replace(ATTEMPT, started_ms=900, duration_ms=100))
    step = replace(FAILED, started_ms=500, duration_ms=500, attempts=attempts)
    text = page([replace(FLOW, duration_ms=1000, steps=(step,))])
    bars = re.findall(r'<rect class="(\w+)" x="([\d.]+)" y="1" width="([\d.]+)"', text)
    assert [("span", "500.0", "500.0"), ("attempt", "500.0", "100.0"), ("attempt", "900.0", "100.0")] == bars


def test_what_failed_stands_first_and_links_stay() -> None:
    """A link names a flow by its number in the call, wherever it stands on the page."""
    ids = Page(page([GOOD, SKIPPED, FLOW])).ids()
    sections = [name for name in ids if re.fullmatch(r"flow-\d", name)]
    assert ["flow-3", "flow-1", "flow-2"] == sections


def test_a_step_within_another_stands_inside_it() -> None:
    """And opens the way to itself when the outer one has passed."""
    inner = replace(FAILED, id="first/ask")
    text = page([replace(FLOW, steps=(replace(PASSED, steps=(inner,)),))])
    assert '<details class="step passed bad" id="flow-1-first"' in text
    assert text.index('id="flow-1-first"') < text.index('<div class="nested">') < text.index('id="flow-1-first/ask"')


def test_a_call_without_flows_and_one_of_a_flow_without_steps_have_a_page() -> None:
    """It says so."""
    assert "No flow was run." in page([])
    assert "No step was run." in page([replace(FLOW, steps=(), outcome=Outcome.ERRORED)])


def test_the_report_is_that_page(tmp_path: Path) -> None:
    """Written when the run is over, in the order of the call."""
    assert page([FLOW, GOOD]) == written(tmp_path, "html", FLOW, GOOD)
