"""Certificates for tests: an authority, and what it signs; made by the ``openssl`` command, gone with their folder."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

from support.packages import Need

OPENSSL = Need.command("openssl", name="openssl")


@dataclass(frozen=True)
class Pair:
    """A certificate and its private key, as files in PEM form."""

    certificate: Path
    key: Path


@dataclass(frozen=True)
class Authority:
    """Signs certificates; ``pair`` is its own."""

    folder: Path
    pair: Pair

    def issue(self, name: str, *, alternatives: str = "DNS:localhost,IP:127.0.0.1,IP:::1", days: int = 2) -> Pair:
        """A certificate for a server or a client. ``days`` below 0: one that has expired."""
        pair = Pair(self.folder / f"{name}.pem", self.folder / f"{name}.key")
        request, extensions = self.folder / f"{name}.csr", self.folder / f"{name}.ext"
        extensions.write_text(f"subjectAltName={alternatives}\n", encoding="ascii")
        _openssl("req", "-newkey", *_KEY, "-nodes", "-subj", f"/CN={name}", "-keyout", pair.key, "-out", request)
        signed_by = ("-CA", self.pair.certificate, "-CAkey", self.pair.key, "-CAcreateserial")
        _openssl(
            "x509", "-req", "-in", request, *signed_by, *_dates(days), "-extfile", extensions, "-out", pair.certificate
        )
        return pair


def authority(folder: Path, name: str = "authority") -> Authority:
    """A new authority whose files lie in ``folder``."""
    pair = Pair(folder / f"{name}.pem", folder / f"{name}.key")
    own = ("-addext", "basicConstraints=critical,CA:true", "-addext", "keyUsage=critical,keyCertSign,cRLSign")
    _openssl(
        *("req", "-x509", "-newkey", *_KEY, "-nodes", "-days", "2", "-subj", f"/CN=TestMesh {name}", *own),
        *("-keyout", pair.key, "-out", pair.certificate),
    )
    return Authority(folder, pair)


_KEY = ("ec", "-pkeyopt", "ec_paramgen_curve:prime256v1")


def _dates(days: int) -> tuple[str, ...]:
    return ("-days", str(days))


def _openssl(*arguments: str | Path) -> None:
    subprocess.run(["openssl", *arguments], check=True, capture_output=True)
