"""The image of every pod's first process: one static program, so its archive is written here without any builder."""

import hashlib
import io
import json
import platform
import tarfile
from pathlib import Path

from cluster.node.config import PAUSE_IMAGE

# In Go's words, which images use.
MACHINES = {"x86_64": "amd64", "aarch64": "arm64"}
NOBODY = "65535:65535"


def archive(program: Path, target: Path) -> None:
    """Write a docker-archive with the program as /pause.

    The form is that of `docker save`: manifest.json, a config, and one uncompressed layer.
    """
    layer = _tar({"pause": program.read_bytes()}, mode=0o755)
    diff = hashlib.sha256(layer).hexdigest()
    config = {
        "architecture": MACHINES.get(platform.machine(), platform.machine()),
        "os": "linux",
        "config": {"Entrypoint": ["/pause"], "User": NOBODY},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{diff}"]},
    }
    manifest = [{"Config": "config.json", "RepoTags": [PAUSE_IMAGE], "Layers": ["layer.tar"]}]
    files = {
        "config.json": json.dumps(config).encode(),
        "layer.tar": layer,
        "manifest.json": json.dumps(manifest).encode(),
    }
    target.write_bytes(_tar(files, mode=0o644))


def _tar(files: dict[str, bytes], *, mode: int) -> bytes:
    """A tar whose bytes depend on nothing but its files."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(content), mode
            tar.addfile(member, io.BytesIO(content))
    return buffer.getvalue()
