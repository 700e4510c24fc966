"""What ``http_request`` sends and saves: multipart, files, GraphQL; and what it refuses."""

from __future__ import annotations

import email
import email.policy
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support.http_steps import body_of, header_of, http_context, send
from support.web import Web, web_server
from testmesh_engine.actions.base import Context
from testmesh_engine.errors import UsageError


@pytest.fixture(scope="module")
def web() -> Iterator[Web]:
    """A running server."""
    with web_server() as running:
        yield running


@pytest.fixture
def context(tmp_path: Path) -> Iterator[Context]:
    """The surroundings of one attempt of a flow whose files lie in ``tmp_path``."""
    with http_context(tmp_path) as made:
        yield made


def parts(echo: dict[str, Any]) -> list[tuple[str | None, str | None, str, bytes]]:
    """Name, file name, content type and content of each part that a server got."""
    raw = f"Content-Type: {header_of(echo, 'content-type')}\r\n\r\n{echo['body']}".encode()
    message = email.message_from_bytes(raw, policy=email.policy.HTTP)
    return [
        (
            part.get_param("name", header="content-disposition"),  # type: ignore[misc]  # a text, by the policy
            part.get_filename(),
            part.get("content-type", ""),
            part.get_payload(decode=True),
        )
        for part in message.iter_parts()  # type: ignore[attr-defined]  # of the policy's class
    ]


def test_fields_and_files_are_sent_as_parts(web: Web, context: Context, tmp_path: Path) -> None:
    """From the flow's folder, from text, from base64, and a name that is repeated."""
    (tmp_path / "photo.png").write_bytes(b"PNG")
    multipart = {
        "number": 7,
        "photo": {"file": "photo.png"},
        "note": {"content": "grün", "filename": "note.txt"},
        "raw": {"base64": "QUI=", "filename": 'a"b.bin', "content_type": "application/x-own"},
        "meta": {"content": {"a": 1}},
        "tag": ["x", "y"],
    }
    got = parts(body_of(send(context, url=f"{web.url}/echo", method="POST", multipart=multipart)))
    assert [
        ("number", None, "", b"7"),
        ("photo", "photo.png", "image/png", b"PNG"),
        ("note", "note.txt", "text/plain", "grün".encode()),
        ("raw", "a%22b.bin", "application/x-own", b"AB"),
        ("meta", None, "application/json", b'{"a":1}'),
        ("tag", None, "", b"x"),
        ("tag", None, "", b"y"),
    ] == got


def test_the_report_shows_the_parts_and_not_what_is_in_the_files(context: Context, tmp_path: Path) -> None:
    """A picture says nothing as text."""
    (tmp_path / "a.bin").write_bytes(b"\xff" * 1000)
    with pytest.raises(Exception, match="can't connect"):
        send(context, url="http://127.0.0.1:1", method="POST", multipart={"n": 1, "f": {"file": "a.bin"}})
    shown = [
        {"name": "n", "value": "1"},
        {"name": "f", "filename": "a.bin", "content_type": "application/octet-stream", "bytes": 1000},
    ]
    assert shown == context.request["multipart"]


@pytest.mark.parametrize(
    ("multipart", "message"),
    [
        ({}, "takes a map of fields and files"),
        ({"a": None}, 'has nothing under a; leave it out, or write ""'),
        ({"a": {"fil": "x"}}, "has no key fil in a. Did you mean file"),
        ({"a": {"file": "x", "content": "y"}}, "needs one of file, content, base64 in a"),
        ({"a": {"filename": "x"}}, "needs one of file, content, base64 in a"),
        ({"a": {"file": 7}}, r"takes text under a\.file"),
        ({"a": {"base64": "*"}}, r"multipart\.a\.base64 is no base64"),
        ({"a": {"file": "none.txt"}}, r"multipart\.a\.file none\.txt can't be read: No such file"),
        ({"a": {"file": "."}}, r"multipart\.a\.file \. can\'t be read: Is a directory"),
    ],
)
def test_a_part_that_can_not_be_meant_is_explained(context: Context, multipart: Any, message: str) -> None:
    """By the name that it has in the flow."""
    with pytest.raises(UsageError, match=message):
        send(context, url="http://localhost/", method="POST", multipart=multipart)


def test_a_file_is_sent_as_it_is(web: Web, context: Context, tmp_path: Path) -> None:
    """With the type that its ending stands for, unless the step says another."""
    (tmp_path / "order.json").write_text('{"a":  1}', encoding="utf-8")
    echo = body_of(send(context, url=f"{web.url}/echo", method="PUT", body_file="order.json"))
    assert ('{"a":  1}', "application/json") == (echo["body"], header_of(echo, "content-type"))
    own = {"Content-Type": "text/x-own"}
    echo = body_of(send(context, url=f"{web.url}/echo", method="PUT", body_file="order.json", headers=own))
    assert "text/x-own" == header_of(echo, "content-type")


def test_a_pipe_is_no_file_to_send(context: Context, tmp_path: Path) -> None:
    """It would be waited for, for ever."""
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UsageError, match="body_file pipe is no plain file"):
        send(context, url="http://localhost/", body_file="pipe")


def test_a_flow_without_a_folder_names_files_by_their_whole_path(web: Web, tmp_path: Path) -> None:
    """From standard input there is nothing to be relative to."""
    (tmp_path / "a.txt").write_text("hello", encoding="utf-8")
    with http_context() as context:
        assert "hello" == body_of(send(context, url=f"{web.url}/echo", body_file=str(tmp_path / "a.txt")))["body"]
        with pytest.raises(
            UsageError, match=r"body_file can't be read: a\.txt is relative, and the flow does not come"
        ):
            send(context, url=f"{web.url}/echo", body_file="a.txt")


def test_graphql_is_sent_as_its_protocol_has_it(web: Web, context: Context) -> None:
    """By POST, as JSON; what the author names operation_name is operationName on the wire."""
    graphql = {"query": "query A($n: Int) { a(n: $n) }", "variables": {"n": 1}, "operation_name": "A"}
    echo = body_of(send(context, url=f"{web.url}/echo", graphql=graphql))
    sent = '{"query":"query A($n: Int) { a(n: $n) }","variables":{"n":1},"operationName":"A"}'
    assert ("POST", sent, "application/json") == (echo["method"], echo["body"], header_of(echo, "content-type"))
    assert "application/graphql-response+json" in str(header_of(echo, "accept"))


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"graphql": {"variables": {}}}, "graphql needs query"),
        ({"graphql": {"query": "{a}", "variables": [1]}}, r"graphql\.variables takes a map, found list"),
        ({"graphql": {"query": "{a}", "operationName": "A"}}, "graphql has no key operationName"),
        ({"graphql": {"query": "{a}"}, "method": "GET"}, "graphql is sent by POST, found method: GET"),
        ({"graphql": {"query": "{a}"}, "body": "x"}, "body or graphql, not both"),
        ({"multipart": {"a": 1}, "form": {"a": 1}}, "form or multipart, not both"),
        ({"multipart": {"a": 1}, "headers": {"Content-Type": "x/y"}}, "multipart sets Content-Type itself"),
        ({"headers": {"Content-Length": "3"}, "body": "x"}, "Content-Length is 3, and the body has 1 bytes"),
        ({"headers": {"X A": "1"}}, "'X A' is no name of a header"),
        ({"headers": {"X-A": "1\r\nX-B: 2"}}, "the value of X-A has several lines"),
        ({"cookies": {"a": "1; b=2"}}, "cookies: a can't be sent"),
    ],
)
def test_what_can_not_be_sent_as_it_is_written_is_refused(
    context: Context, config: dict[str, Any], message: str
) -> None:
    """Nothing is dropped in silence, and nothing can be slipped in by a value."""
    with pytest.raises(UsageError, match=message):
        send(context, url="http://localhost/", **config)


def test_a_body_is_saved_in_the_flows_folder(web: Web, context: Context, tmp_path: Path) -> None:
    """Folders on the way are made, an older file is replaced, the result has the body all the same."""
    (tmp_path / "out").mkdir()
    (tmp_path / "out/answer").write_bytes(b"older and longer than the new one")
    result = send(context, url=f"{web.url}/bytes", save_to_file="out/answer")
    send(context, url=f"{web.url}/bytes", save_to_file="new/deep/answer")
    assert [b"\x00\xff"] * 3 == [
        result["body"],
        (tmp_path / "out/answer").read_bytes(),
        (tmp_path / "new/deep/answer").read_bytes(),
    ]


@pytest.mark.parametrize("name", ["/etc/x", "../x", "a/../../x", "", "a/"])
def test_a_path_that_leaves_the_folder_is_refused_before_anything_is_sent(
    web: Web, context: Context, tmp_path: Path, name: str
) -> None:
    """A flow writes beside itself and nowhere else."""
    web.seen.clear()
    with pytest.raises(UsageError, match="save_to_file takes"):
        send(context, url=f"{web.url}/bytes", save_to_file=name)
    assert ([], []) == (web.seen, list(tmp_path.parent.glob("x")))


def test_links_are_not_followed(web: Web, context: Context, tmp_path: Path) -> None:
    """Neither a folder's nor a file's: they may lead anywhere."""
    outside = tmp_path.parent / f"{tmp_path.name}-outside"
    outside.mkdir()
    (tmp_path / "folder").symlink_to(outside)
    (tmp_path / "file").symlink_to(outside / "file")
    for name in ("folder/a", "file"):
        with pytest.raises(
            UsageError, match=f"save_to_file {name} can't be written: a link or a file stands in its way"
        ):
            send(context, url=f"{web.url}/bytes", save_to_file=name)
    assert [] == list(outside.iterdir())


def test_a_folder_in_the_way_and_no_folder_at_all_are_told(web: Web, context: Context, tmp_path: Path) -> None:
    """The author sees which."""
    (tmp_path / "there").mkdir()
    with pytest.raises(UsageError, match="save_to_file there can't be written: Is a directory"):
        send(context, url=f"{web.url}/bytes", save_to_file="there")
    context.folder = None
    with pytest.raises(UsageError, match="does not come from a file"):
        send(context, url=f"{web.url}/bytes", save_to_file="a")


@pytest.mark.parametrize(("body", "sent"), [({}, "{}"), ([], "[]"), (0, "0"), (False, "false")])
def test_an_empty_body_is_sent_as_json(web: Web, context: Context, body: Any, sent: str) -> None:
    """A service that takes a map of options is asked with none of them."""
    echo = body_of(send(context, url=f"{web.url}/echo", method="POST", body=body))
    assert (sent, "application/json") == (echo["body"], header_of(echo, "content-type"))


def test_a_body_that_is_not_given_is_not_sent(web: Web, context: Context) -> None:
    """Nor one that is nil, or a form without fields."""
    for config in ({}, {"body": None}, {"form": {}}):
        echo = body_of(send(context, url=f"{web.url}/echo", method="POST", **config))
        assert ("", None) == (echo["body"], header_of(echo, "content-type"))
