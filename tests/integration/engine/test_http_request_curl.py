"""The ``curl`` line of a step, run by ``sh``: the server gets the same request from it."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support import packages
from support.http_steps import body_of, http_context, send
from support.nginx import Nginx, nginx
from support.process import clean_environment
from support.web import Web, web_server
from testmesh_engine.actions.base import Context

IGNORED = {"user-agent", "accept-encoding", "content-length"}
"""Headers that say who asks, or follow from the rest."""


@pytest.fixture(scope="module", autouse=True)
def curl() -> None:
    """The program is there."""
    packages.ensure((packages.CURL,))


@pytest.fixture(scope="module")
def web() -> Iterator[Web]:
    """A running server."""
    with web_server() as running:
        yield running


@pytest.fixture
def context(tmp_path: Path) -> Iterator[Context]:
    """The surroundings of one attempt of a flow whose files lie in ``tmp_path``."""
    (tmp_path / "a file.json").write_text('{"from": "a file"}', encoding="utf-8")
    with http_context(tmp_path) as made:
        made.trace_id = "0af7651916cd43dd8448eb211c80319c"
        yield made


def run(line: object, folder: Path | None, **variables: str) -> str:
    """What the command prints, run in ``folder``."""
    assert isinstance(line, str)
    done = subprocess.run(
        ["sh", "-c", line.replace("curl ", "curl -sS ", 1)],
        cwd=folder,
        env=clean_environment(**variables),
        capture_output=True,
        text=True,
        check=False,
        timeout=20,
    )
    assert 0 == done.returncode, f"{line}\n{done.stderr}"
    return done.stdout


def comparable(echo: dict[str, Any]) -> dict[str, Any]:
    """What a server saw, without what differs between any two clients."""
    headers = {name.lower(): value for name, value in echo["headers"].items() if name.lower() not in IGNORED}
    boundary = re.search(r"boundary=(\S+)", headers.get("content-type", ""))
    told = {**echo, "headers": dict(sorted(headers.items()))}
    return json.loads(json.dumps(told).replace(boundary[1], "boundary")) if boundary else told


@pytest.mark.parametrize(
    "config",
    [
        {"params": {"q": "a b&c", "list": [1, 2]}},
        {"path": "?filter[a]={b}&x=it's"},
        {"method": "POST", "body": {"name": "O'Brien", "text": 'two\nlines "quoted" $HOME `id` \\n', "grün": 59}},
        {"method": "POST", "body": "@not-a-file"},
        {"method": "POST"},
        {"method": "PUT", "body": "tab\tand 'quotes'"},
        {"method": "PUT"},
        {"method": "PATCH", "body": b"plain bytes, no type"},
        {"method": "POST", "body": "zero \0 byte, 100% \\ it's"},
        {"method": "DELETE"},
        {"method": "DELETE", "body": {"a": 1}},
        {"method": "GET", "body": {"a": 1}},
        {"method": "POST", "form": {"a": "x y", "b": [1, 2]}},
        {"headers": {"X-A": 'it\'s "quoted"', "X-Empty": "", "Accept": "text/plain"}},
        {"cookies": {"a": "1"}, "auth": {"basic": {"username": "joe", "password": "s3"}}},
        {"auth": {"api_key": {"name": "X-API-Key", "value": 'k "1"'}}},
        {"auth": {"api_key": {"name": "key", "value": "k", "in": "query"}}},
        {"method": "POST", "body_file": "a file.json"},
        {"graphql": {"query": "{ a }"}},
        {
            "method": "POST",
            "multipart": {
                "field": 'a;b,c="d" it\'s',
                "file": {"file": "a file.json", "filename": 'an"other;name.json'},
                "text": {"content": 'in; "line" \\', "filename": "in.txt"},
                "json": {"content": {"a": [1]}},
                "repeated": ["x", "y"],
            },
        },
    ],
)
def test_the_line_sends_the_same_request(web: Web, context: Context, config: dict[str, Any]) -> None:
    """Method, path, headers and body."""
    path = config.pop("path", "")
    seen = body_of(send(context, url=f"{web.url}/echo{path}", **config))
    sent = {name.upper().replace("-", "_"): value for name, value in seen["headers"].items()}
    known = {name: sent[name] for name in ("AUTHORIZATION", "COOKIE", "X_API_KEY") if name in sent}
    printed = run(context.request["curl"], context.folder, **known)
    assert comparable(seen) == comparable(json.loads(printed.split("\n\n", 1)[1].replace("\r", "")))


def test_bytes_of_a_part_are_piped(web: Web, context: Context) -> None:
    """They can't stand in a command line."""
    multipart = {"raw": {"base64": "AAE=", "filename": "r.bin"}}
    seen = body_of(send(context, url=f"{web.url}/echo", method="POST", multipart=multipart))
    assert str(context.request["curl"]).startswith(r"printf '\000\001' | curl ")
    printed = run(context.request["curl"], context.folder)
    assert comparable(seen) == comparable(json.loads(printed.split("\n\n", 1)[1].replace("\r", "")))


def test_a_redirect_is_followed_as_the_step_did(web: Web, context: Context) -> None:
    """With the method that the redirect asks for."""
    web.seen.clear()
    send(context, url=f"{web.url}/to?/echo", method="POST", body="x")
    run(context.request["curl"], context.folder)
    assert web.seen[:2] == web.seen[2:] == ["POST /to?/echo", "GET /echo"]


def test_head_is_head(web: Web, context: Context) -> None:
    """Of ``-X HEAD`` a body would be waited for."""
    send(context, url=f"{web.url}/head", method="HEAD")
    assert "501" in run(context.request["curl"], context.folder).splitlines()[0]


def test_a_long_body_is_a_file_that_the_line_names(web: Web, context: Context) -> None:
    """A line that a report would cut does not run."""
    send(context, url=f"{web.url}/echo", method="POST", body="x" * 5000)
    line = str(context.request["curl"])
    assert line.endswith("--data-binary @body  # the file body holds the 5000 bytes that were sent")
    assert context.folder is not None
    (context.folder / "body").write_text("x" * 5000, encoding="ascii")
    assert "x" * 5000 in run(line, context.folder)


def test_no_credential_stands_in_the_line(web: Web, context: Context) -> None:
    """It is pasted into chats and tickets."""
    send(context, url=f"{web.url}/order")
    url = web.url.replace("http://", "http://joe:secret-1@")
    send(context, url=f"{url}/echo", headers={"X-Auth-Token": "secret-2"})
    line = str(context.request["curl"])
    assert [] == [secret for secret in ("secret-1", "secret-2", "c2Vj", "session=abc") if secret in line]
    assert '-H "X-Auth-Token: $X_AUTH_TOKEN"' in line


def test_tls_is_as_the_step_has_it(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Authority, certificate and key by their paths, beside the flow; HTTP/2; or nothing checked."""
    with nginx(tmp_path_factory.mktemp("nginx")) as server, http_context(server.authority.folder) as context:
        assert_same(server, context, ca_cert="authority.pem", client_cert="client.pem", client_key="client.key")
        assert_same(server, context, verify_ssl=False, http2=True)
        send(context, url=f"{server.h2c}/told", http2=True)
        assert run(context.request["curl"], context.folder).startswith("HTTP/2 200")
        send(context, url=f"{server.tls}/told", ca_cert=server.authority.pair.certificate.read_text(encoding="ascii"))
        assert "--cacert ca_cert.pem  # ca_cert.pem holds the flow's ca_cert" in context_line(context)


def context_line(context: Context) -> str:
    """The line as one."""
    return re.sub(r" \\\n  -H '[^']*'", "", str(context.request["curl"]))


def assert_same(server: Nginx, context: Context, **config: Any) -> None:
    """The server says the same to the step and to the line."""
    server.authority.issue("client")
    body = send(context, url=f"{server.strict}/who", **config)["body"]
    version = "HTTP/2.0" if config.get("http2") else "HTTP/1.1"
    line = str(context.request["curl"]) if config.get("http2") else f"{context.request['curl']} --http1.1"
    assert version in str(body)
    assert run(line, context.folder).endswith(f"\n\n{body}")
