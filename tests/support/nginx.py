"""nginx on loopback with TLS, client certificates and HTTP/2: a folder of its own, gone at the end."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from support import packages
from support.certificates import OPENSSL, Authority, authority
from support.ports import HOST, free_port
from support.process import Process, Program, clean_environment

START_SECONDS = 15

SETTINGS = """
daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log stderr notice;
events {{ worker_connections 64; }}
http {{
  access_log off; client_max_body_size 40m; default_type text/plain;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  ssl_certificate {server.certificate}; ssl_certificate_key {server.key};
  gzip on; gzip_min_length 1; gzip_types text/plain;
  keepalive_requests 3;
  server {{
    listen {host}:{tls} ssl http2; listen {host}:{plain}; listen {host}:{h2c} http2;
    location = /told {{ return 200 "$server_protocol $request_method $http_traceparent"; }}
    location = /long {{ return 200 "{long}"; }}
    location = /away {{ return 302 http://{host}:{plain}/told; }}
  }}
  server {{
    listen {host}:{strict} ssl http2;
    ssl_client_certificate {client_authority}; ssl_verify_client optional;
    location = /who {{ return 200 "$ssl_client_verify $ssl_client_s_dn $server_protocol"; }}
  }}
}}
"""


@dataclass(frozen=True)
class Nginx:
    """A running server: ``tls`` and ``strict`` (which asks for a client certificate) are base URLs under TLS."""

    tls: str
    strict: str
    plain: str
    h2c: str
    authority: Authority
    """Signed the server's certificate, and those of clients that it takes."""


@contextmanager
def nginx(folder: Path) -> Iterator[Nginx]:
    """A running server whose files lie in ``folder``."""
    packages.ensure((packages.NGINX, OPENSSL))
    program = packages.find_command("nginx")
    assert program is not None
    signer = authority(folder)
    names = ("tls", "strict", "plain", "h2c")
    ports = {name: free_port() for name in names}
    settings = folder / "nginx.conf"
    settings.write_text(
        SETTINGS.format(
            folder=folder,
            host=HOST,
            server=signer.issue("server"),
            client_authority=signer.pair.certificate,
            long="x" * 4000,
            **ports,
        ),
        encoding="ascii",
    )
    process = Process(
        Program(
            name="nginx",
            command=[program, "-p", folder, "-e", "stderr", "-c", settings],
            environment=clean_environment(),
            log=folder / "nginx.log",
            folder=folder,
        )
    )
    try:
        process.wait_until(lambda: all(_accepts(port) for port in ports.values()), seconds=START_SECONDS)
        secured = {name: f"https://localhost:{ports[name]}" for name in ("tls", "strict")}
        open_ones = {name: f"http://{HOST}:{ports[name]}" for name in ("plain", "h2c")}
        yield Nginx(**secured, **open_ones, authority=signer)
    finally:
        process.stop()


def _accepts(port: int) -> bool:
    try:
        socket.create_connection((HOST, port), timeout=1).close()
    except OSError:
        return False
    return True
