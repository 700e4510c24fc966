"""Redis on loopback, without TLS and with it, with and without a password: a folder of its own, gone at the end."""

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
PASSWORD = "hunter2-of-redis"


@dataclass(frozen=True)
class RedisServer:
    """A running server. ``port`` takes no TLS, ``tls_port`` nothing else; both want :data:`PASSWORD`."""

    port: int
    tls_port: int
    authority: Authority
    process: Process

    def url(self, db: int = 0) -> str:
        """Its URL, with the password."""
        return f"redis://:{PASSWORD}@{HOST}:{self.port}/{db}"


@contextmanager
def redis_server(folder: Path) -> Iterator[RedisServer]:
    """A running server whose files lie in ``folder``."""
    packages.ensure((packages.REDIS, OPENSSL))
    found = packages.find_redis()
    assert found is not None
    program = folder / "redis-server"  # Debian's redis-check-rdb is a server under this name
    program.symlink_to(found)
    signer = authority(folder)
    pair = signer.issue("redis")
    port, tls_port = free_port(), free_port()
    settings = {
        "bind": HOST,
        "port": port,
        "tls-port": tls_port,
        "tls-cert-file": pair.certificate,
        "tls-key-file": pair.key,
        "tls-ca-cert-file": signer.pair.certificate,
        "tls-auth-clients": "no",
        "requirepass": PASSWORD,
        "save": '""',
        "dir": folder,
    }
    config = folder / "redis.conf"
    config.write_text("".join(f"{name} {value}\n" for name, value in settings.items()), encoding="utf-8")
    process = Process(
        Program(
            name="redis",
            command=[program, config],
            environment=clean_environment(),
            log=folder / "redis.log",
            folder=folder,
        )
    )
    try:
        process.wait_until(lambda: all(map(_accepts, (port, tls_port))), seconds=START_SECONDS)
        yield RedisServer(port=port, tls_port=tls_port, authority=signer, process=process)
    finally:
        process.stop()


def _accepts(port: int) -> bool:
    try:
        socket.create_connection((HOST, port), timeout=1).close()
    except OSError:
        return False
    return True
