"""The pages of the reference, and what stands in them: blocks, links, headings; and flows made of its fragments."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from testmesh_engine.actions.registry import load_action
from testmesh_engine.language import keys

ROOT = Path(__file__).parents[2]
ENGINE = ROOT / "engine"
SERVICE = ROOT / "examples" / "02-on-your-machine"
"""The service that the examples of the reference are about, and the flow of its first page."""

PAGES = (
    ROOT / "README.md",
    ROOT / "examples" / "README.md",
    ENGINE / "README.md",
    ENGINE / "expressions.md",
    *sorted((ENGINE / "reference").glob("*.md")),
)

_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"(?<!!)\[[^\]\n]+\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
_FILE = re.compile(r"# (\S+\.yaml)\b(.*)\n")

_ALONE = {
    *("http_request", "delay", "log", "assert", "transform", "condition", "for_each", "parallel", "wait_until"),
    *("mock_server_start", "mock_server_configure", "mock_server_verify", "mock_server_stop", "database_query"),
}
_SERVED = ("${API}", "mock_server_start", "sqlite:///:memory:")
"""What tells that an example asks the service of the examples, or one of its own."""

_FLOW = """\
flow:
  name: "An example"
  env: {API: "http://localhost:8080", rows: []}
"""
_SETUP = """\
  setup:
    - id: given
      action: http_request
      config: {method: POST, url: "${API}/orders", body: {quantity: 2}}
      output: {order_id: body.id}
"""
_STEPS = """\
  steps:
    - id: example
      action: http_request
"""


@dataclass(frozen=True)
class Block:
    """A fenced block: where it starts (``page:line``), its language, its text, and the words right above it."""

    place: str
    language: str
    text: str
    above: str

    @property
    def page(self) -> str:
        """The page that it stands in."""
        return self.place.partition(":")[0]

    @property
    def file(self) -> str:
        """The file that a reader saves it as, "" where none is named."""
        match = _FILE.match(self.text)
        return match[1] if match else ""

    @property
    def wrong(self) -> bool:
        """It shows what is refused."""
        match = _FILE.match(self.text)
        return match is not None and "wrong" in match[2]

    def flow(self) -> str:
        """The text of a flow file: the block, or a flow around what is a part of one."""
        if re.search(r"^(flow|apiVersion):", self.text, re.MULTILINE):
            return self.text
        if self.text.startswith("- "):
            return f"{_FLOW}{_SETUP}  steps:\n{textwrap.indent(self.text, '    ')}"
        names = set(re.findall(r"^(\w+):", self.text, re.MULTILINE))
        if names <= {*keys.names(keys.FLOW)}:
            return f'{_FLOW}{textwrap.indent(self.text, "  ")}{_STEPS}      config: {{url: "${{API}}/orders"}}\n'
        if names <= {*keys.names(keys.STEP)}:
            config = '      config: {url: "${API}/orders"}\n'
            return f"{_FLOW}{_STEPS}{config}{textwrap.indent(self.text, '      ')}"
        assert names <= {*keys.names(load_action("http_request").spec.keys)}, f"{self.place}: a part of what?"
        config = f'      config:\n        url: "${{API}}/orders"\n{textwrap.indent(self.text, " " * 8)}'
        return f"{_FLOW}{_STEPS}{config}"

    def runs(self) -> bool:
        """Whether it can be run against the service alone, and should pass."""
        actions = set(re.findall(r"action: (\w+)", self.text))
        return bool(actions) and actions <= _ALONE and any(word in self.text for word in _SERVED) and not self.file


def blocks(language: str) -> list[Block]:
    """All blocks of this language in the pages."""
    return [block for page in PAGES for block in _blocks_of(page) if block.language == language]


def _blocks_of(page: Path) -> Iterator[Block]:
    text = page.read_text(encoding="utf-8")
    end = 0
    for match in _BLOCK.finditer(text):
        line = text.count("\n", 0, match.start()) + 1
        yield Block(f"{page.relative_to(ROOT)}:{line}", match[1], match[2], text[end : match.start()])
        end = match.end()


def links(page: Path) -> list[str]:
    """The relative links of a page, blocks aside."""
    return [link for link in _LINK.findall(_BLOCK.sub("", page.read_text(encoding="utf-8"))) if "://" not in link]


def headings(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    titles = _HEADING.findall(_BLOCK.sub("", page.read_text(encoding="utf-8")))
    return {re.sub(r"[^\w\- ]", "", title.lower()).strip().replace(" ", "-") for title in titles}
