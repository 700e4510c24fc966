"""``http_request`` under TLS and HTTP/2, against nginx and against servers whose certificates are wrong."""

from __future__ import annotations

import ssl
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support.certificates import Authority, Pair, authority
from support.http_steps import http_context, send
from support.nginx import Nginx, nginx
from support.web import endlessly, idle, raw_server, saying
from testmesh_engine.actions.base import Context
from testmesh_engine.actions.waiting import Deadline
from testmesh_engine.errors import ServiceError, UsageError

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nginx]:
    """A running nginx."""
    with nginx(tmp_path_factory.mktemp("nginx")) as running:
        yield running


@pytest.fixture(scope="module")
def signer(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Another authority, which nginx does not know."""
    return authority(tmp_path_factory.mktemp("authority"), "another authority")


@pytest.fixture(scope="module")
def client(server: Nginx) -> Pair:
    """A client's certificate that nginx takes."""
    return server.authority.issue("client")


@pytest.fixture
def context(server: Nginx) -> Iterator[Context]:
    """The surroundings of one attempt of a flow that lies beside nginx's certificates."""
    with http_context(server.authority.folder, seconds=10) as made:
        yield made


def own_context(pair: Pair) -> ssl.SSLContext:
    """The TLS of a server with this certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair.certificate, pair.key)
    return context


def test_an_authority_of_ones_own_is_a_path_or_its_text(server: Nginx, context: Context) -> None:
    """Relative to the flow, absolute, or as PEM from a variable."""
    path = server.authority.pair.certificate
    for ca_cert in (path.name, str(path), path.read_text(encoding="ascii")):
        result = send(context, url=f"{server.tls}/told", ca_cert=ca_cert)
        assert ("HTTP/1.1 GET ", "HTTP/1.1") == (result["body"], result["http_version"])


def test_an_unknown_issuer_is_told_with_what_to_do(server: Nginx, context: Context) -> None:
    """The certificate is not trusted: that is a failure, never a warning."""
    with pytest.raises(
        ServiceError, match=r"can't connect for GET .*: the certificate's issuer is not known"
    ) as raised:
        send(context, url=f"{server.tls}/told")
    assert ("connection_error", True) == (raised.value.kind, "ca_cert" in raised.value.hint)


def test_the_certificate_may_go_unchecked(server: Nginx, context: Context) -> None:
    """Where the author says so, and there alone: the next request checks again."""
    assert 200 == send(context, url=f"{server.tls}/told", verify_ssl=False)["status"]
    with pytest.raises(ServiceError, match="issuer"):
        send(context, url=f"{server.tls}/told")


@pytest.mark.parametrize(
    ("issued", "message", "hint"),
    [
        ({"alternatives": "DNS:elsewhere.example"}, "is for another name than localhost", "subjectAltName"),
        ({"days": -1}, "the server's certificate has expired", "Renew it"),
    ],
)
def test_a_certificate_that_is_wrong_is_told_with_what_is_wrong(
    signer: Authority, issued: dict[str, Any], message: str, hint: str
) -> None:
    """Each with what to do."""
    pair = signer.issue("wrong", **issued)
    with raw_server(saying(OK), tls=own_context(pair)) as url, http_context() as context:
        with pytest.raises(ServiceError, match=message) as raised:
            send(context, url=url.replace("127.0.0.1", "localhost"), ca_cert=str(signer.pair.certificate))
        assert hint in raised.value.hint


def test_a_client_certificate_is_shown_to_the_server(server: Nginx, context: Context, client: Pair) -> None:
    """As two paths, as two texts, as one file that holds both."""
    both = client.certificate.with_name("both.pem")
    texts = [path.read_text(encoding="ascii") for path in (client.certificate, client.key)]
    both.write_text("".join(texts), encoding="ascii")
    for given in (
        {"client_cert": client.certificate.name, "client_key": client.key.name},
        {"client_cert": texts[0], "client_key": texts[1]},
        {"client_cert": both.name},
    ):
        result = send(context, url=f"{server.strict}/who", ca_cert="authority.pem", **given)
        assert "SUCCESS CN=client HTTP/1.1" == result["body"]


def test_without_a_client_certificate_the_server_says_so(server: Nginx, context: Context) -> None:
    """This one lets it through and tells the service."""
    assert "NONE  HTTP/1.1" == send(context, url=f"{server.strict}/who", ca_cert="authority.pem")["body"]


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_server_that_insists_on_a_client_certificate_is_understood(
    signer: Authority, server: Nginx, version: ssl.TLSVersion
) -> None:
    """It says so in an alert, which TLS 1.3 sends after the handshake; and it may not know the issuer."""
    tls = own_context(signer.issue("insisting"))
    tls.minimum_version = tls.maximum_version = version
    tls.verify_mode = ssl.CERT_REQUIRED
    tls.load_verify_locations(signer.pair.certificate)
    stranger = server.authority.issue("stranger")
    config = {"ca_cert": str(signer.pair.certificate)}
    with raw_server(saying(OK), tls=tls) as url, http_context() as context:
        with pytest.raises(ServiceError) as raised:
            send(context, url=url, **config)
        assert "client_cert" in raised.value.hint, raised.value
        known = signer.issue("known")
        given = {"client_cert": str(known.certificate), "client_key": str(known.key)}
        assert "ok" == send(context, url=url, **config, **given)["body"]
        given = {"client_cert": str(stranger.certificate), "client_key": str(stranger.key)}
        with pytest.raises(ServiceError, match="does not know the issuer of the client's certificate"):
            send(context, url=url, **config, **given)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"ca_cert": "none.pem"}, r"ca_cert .*none\.pem can't be read: No such file"),
        ({"ca_cert": "nginx.conf"}, r"ca_cert .*nginx\.conf can't be used: it holds no certificate or key"),
        ({"ca_cert": "-----BEGIN CERTIFICATE-----\nx"}, "ca_cert can't be used: it holds no certificate or key"),
        ({"client_cert": "client.pem"}, r"client_cert .*client\.pem can't be used"),
        ({"client_cert": "client.pem", "client_key": "server.key"}, "the key does not belong to the certificate"),
        ({"client_cert": "client.pem", "client_key": "locked.key"}, "the key is encrypted"),
        ({"client_key": "client.key"}, "client_key has no client_cert to go with"),
    ],
)
def test_a_certificate_that_can_not_be_used_is_the_authors_fault(
    server: Nginx, context: Context, client: Pair, config: dict[str, str], message: str
) -> None:
    """Named by its key; nobody is asked for a passphrase."""
    lock(client.key)
    with pytest.raises(UsageError, match=message):
        send(context, url=f"{server.tls}/told", **config)


def lock(key: Path) -> None:
    """``locked.key`` beside ``key``, encrypted."""
    import subprocess  # noqa: PLC0415 - beside its only use

    command = ["openssl", "pkcs8", "-topk8", "-passout", "pass:x", "-in", key, "-out", key.with_name("locked.key")]
    subprocess.run(command, check=True, capture_output=True)


def test_http2_is_spoken_where_it_is_asked_for(server: Nginx, context: Context) -> None:
    """By name under TLS; requests, bodies and connections as with HTTP/1.1."""
    for number in range(5):
        body = "x" * 200_000 if number % 2 else None
        method = "POST" if body else "GET"
        result = send(context, url=f"{server.tls}/told", ca_cert="authority.pem", http2=True, method=method, body=body)
        assert (f"HTTP/2.0 {method} ", "HTTP/2") == (result["body"], result["http_version"])
    long = send(context, url=f"{server.tls}/long", ca_cert="authority.pem", http2=True)
    assert ("x" * 4000, "gzip") == (long["body"], long["headers"]["content-encoding"])  # type: ignore[index, call-overload]


def test_http2_may_be_spoken_without_tls(server: Nginx, context: Context) -> None:
    """By prior knowledge; a server that can't is named."""
    assert "HTTP/2.0 GET " == send(context, url=f"{server.h2c}/told", http2=True)["body"]
    answer = saying(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    with raw_server(answer) as url, pytest.raises(ServiceError, match="does not speak HTTP/2 without TLS"):
        send(context, url=url, http2=True)


def test_a_server_that_does_not_offer_http2_is_spoken_to_as_it_can(signer: Authority) -> None:
    """``http_version`` tells which it was."""
    tls = own_context(signer.issue("plain"))
    with raw_server(saying(OK), tls=tls) as url, http_context() as context:
        result = send(context, url=url, ca_cert=str(signer.pair.certificate), http2=True)
    assert ("ok", "HTTP/1.1") == (result["body"], result["http_version"])


def test_a_handshake_that_stalls_ends_at_the_deadline(context: Context) -> None:
    """And is named as what took the time."""
    context.deadline = Deadline.after(0.3, "config.timeout")
    started = time.monotonic()
    with raw_server(idle) as url, pytest.raises(ServiceError, match="the TLS handshake was not finished"):
        send(context, url=url.replace("http:", "https:"))
    assert time.monotonic() - started < 2


def test_http_and_https_mixed_up_are_told(server: Nginx, context: Context) -> None:
    """In both directions."""
    with pytest.raises(ServiceError, match="does not speak TLS on this port") as raised:
        send(context, url=server.plain.replace("http:", "https:"))
    assert "http://" in raised.value.hint
    alert = endlessly(b"\x15\x03\x03\x00\x02\x02\x32", pause=0.01)
    with raw_server(alert) as url, pytest.raises(ServiceError, match="the server answers in TLS"):
        send(context, url=url)


def test_a_redirect_from_https_to_http_is_followed(server: Nginx, context: Context) -> None:
    """Without what is only for the first."""
    auth = {"bearer": "secret-token"}
    result = send(context, url=f"{server.tls}/away", ca_cert="authority.pem", auth=auth)
    assert ("HTTP/1.1 GET ", [f"{server.tls}/away"]) == (result["body"], result["redirects"])


def test_a_server_that_closes_connections_after_a_few_requests_disturbs_nobody(server: Nginx, context: Context) -> None:
    """Each closes after 3 here: ten POSTs pass, by either version."""
    for http2 in (False, True):
        for _ in range(10):
            config = {"ca_cert": "authority.pem", "http2": http2}
            assert 200 == send(context, url=f"{server.tls}/told", method="POST", body="x", **config)["status"]


def test_the_trace_reaches_the_server(server: Nginx, context: Context) -> None:
    """Also by HTTP/2."""
    context.trace_id = "0af7651916cd43dd8448eb211c80319c"
    for http2 in (False, True):
        told = send(context, url=f"{server.tls}/told", ca_cert="authority.pem", http2=http2)["body"]
        assert f" 00-{context.trace_id}-" in str(told)
