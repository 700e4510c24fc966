"""HTTP steps within a flow: the trace that they share, the files beside them, the line that a failure shows."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.flows import Options, run
from support.web import Web, web_server
from testmesh_engine.contract.result import Outcome
from testmesh_engine.runtime.layers import Layers


@pytest.fixture(scope="module")
def web() -> Iterator[Web]:
    """A running server."""
    with web_server() as running:
        yield running


def told(web: Web) -> Options:
    """A run's options with ``WEB``."""
    return Options(layers=Layers(var={"WEB": web.url}))


def test_all_requests_of_a_flow_carry_one_trace(web: Web) -> None:
    """Another span each; what a service logs can be found by it."""
    ran = run(
        """
        steps:
          - {id: one, action: http_request, config: {url: "${WEB}/echo"}, output: {a: body.headers.traceparent}}
          - {id: two, action: http_request, config: {url: "${WEB}/echo"}, output: {b: body.headers.traceparent}}
          - {id: check, action: http_request, config: {url: "${WEB}/echo?${a}&${b}"}, assert: [status == 200]}
        """,
        told(web),
    )
    assert Outcome.PASSED is ran.result.outcome, ran.result
    spans = re.findall(r"00-([0-9a-f]{32})-([0-9a-f]{16})-01", web.seen[-1])
    assert 2 == len(spans) == len({span for _, span in spans})
    assert 1 == len({trace for trace, _ in spans})


def test_a_failed_step_shows_the_line_without_a_secret(web: Web) -> None:
    """Neither what a secret-like key holds, nor a declared secret that the shell's quotes tear apart."""
    ran = run(
        """
        env: {PHRASE: "it's a 'secret'"}
        secrets: [PHRASE]
        steps:
          - id: one
            action: http_request
            config:
              url: "${WEB}/echo?token=in-the-query"
              method: POST
              headers: {Authorization: "Bearer in-the-header"}
              body: {password: "in-the-body", note: "${PHRASE}"}
            assert: [status == 500]
        """,
        told(web),
    )
    request = ran.step("one").attempts[-1].request
    assert isinstance(request, dict)
    line = str(request["curl"])
    assert line.startswith(f"curl -i '{web.url}/echo?token=***'")
    assert '-H "Authorization: $AUTHORIZATION"' in line
    whole = json.dumps(request)
    assert [] == [text for text in ("in-the-", "s a ", "'secret'", "secret") if text in whole.replace('"secrets"', "")]


def test_files_lie_beside_the_flow(web: Web, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Wherever the command was called; what one step saves, a later one sends."""
    flows = tmp_path / "flows"
    flows.mkdir()
    (flows / "t.yaml").write_text("", encoding="utf-8")
    (flows / "order.json").write_text('{"from": "file"}', encoding="utf-8")
    monkeypatch.chdir(flows)
    ran = run(
        """
        steps:
          - id: one
            action: http_request
            config: {url: "${WEB}/echo", method: POST, body_file: order.json, save_to_file: out/echo.json}
          - id: two
            action: http_request
            config: {url: "${WEB}/echo", method: POST, body_file: out/echo.json}
            assert: ['"from" in fromJSON(fromJSON(body.body).body)']
        """,
        told(web),
    )
    assert Outcome.PASSED is ran.result.outcome, ran.result
    assert (flows / "out/echo.json").is_file()
