"""Keys and certificates of the node: an authority of its own, made anew at each start by openssl."""

from pathlib import Path

from cluster.node import shell
from cluster.node.addresses import Addresses
from cluster.node.config import NODE_NAME

DAYS = "365"
_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")


def create(folder: Path, addresses: Addresses) -> None:
    """Write ca, sa, apiserver, admin and kubelet, each as NAME.key and NAME.crt (sa: its key only)."""
    folder.mkdir(mode=0o700, parents=True)
    authority: list[str | Path] = ["-keyout", folder / "ca.key", "-out", folder / "ca.crt"]
    shell.output(["openssl", "req", "-x509", *_KEY, *authority, "-days", DAYS, "-subj", "/CN=testmesh-node"])
    shell.output(["openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", folder / "sa.key"])
    names = (
        "localhost",
        "kubernetes",
        "kubernetes.default",
        "kubernetes.default.svc",
        "kubernetes.default.svc.cluster.local",
    )
    hosts = [f"DNS:{name}" for name in names]
    hosts += [f"IP:{address}" for address in ("127.0.0.1", addresses.node, addresses.api_service)]
    _certificate(folder, "apiserver", "/CN=kube-apiserver", alternatives=hosts)
    _certificate(folder, "admin", "/O=system:masters/CN=admin", alternatives=["DNS:admin"])
    kubelet = [f"DNS:{NODE_NAME}", f"IP:{addresses.node}"]
    _certificate(folder, "kubelet", f"/O=system:nodes/CN=system:node:{NODE_NAME}", alternatives=kubelet)


def _certificate(folder: Path, name: str, subject: str, *, alternatives: list[str]) -> None:
    key, request, extensions = folder / f"{name}.key", folder / f"{name}.csr", folder / f"{name}.ext"
    extensions.write_text(f"subjectAltName={','.join(alternatives)}\nextendedKeyUsage=serverAuth,clientAuth\n")
    shell.output(["openssl", "req", *_KEY, "-keyout", key, "-out", request, "-subj", subject])
    authority: list[str | Path] = ["-CA", folder / "ca.crt", "-CAkey", folder / "ca.key", "-CAcreateserial"]
    signed: list[str | Path] = ["-out", folder / f"{name}.crt", "-days", DAYS, "-extfile", extensions]
    shell.output(["openssl", "x509", "-req", "-in", request, *authority, *signed])
