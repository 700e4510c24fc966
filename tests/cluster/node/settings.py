"""Settings of the local node: read from the environment once, passed as a value from then on."""

import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from cluster.node.errors import NodeError
from support.cache import cache_folder

REPO = Path(__file__).resolve().parents[3]
DEFAULT_NAME = "testmesh"
_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?")


@dataclass(frozen=True)
class Settings:
    """Where the node lives and which way of having a cluster is wanted."""

    name: str
    """TESTMESH_NODE: several nodes stand side by side by their names."""
    state: Path
    """TESTMESH_STATE/NAME: all that lives as long as the node does."""
    cache: Path
    """TESTMESH_CACHE: downloads and builds, shared by all nodes and kept by `down`."""
    kube_context: str | None
    """TESTMESH_KUBE_CONTEXT: a cluster that exists already; nothing is started then."""

    @cached_property
    def version(self) -> str:
        """The project's version, which is also the tag of its images."""
        project = tomllib.loads((REPO / "pyproject.toml").read_text())["project"]
        return str(project["version"])


def read(environ: Mapping[str, str] = os.environ) -> Settings:
    """Read the settings from the environment.

    Raises:
        NodeError: TESTMESH_NODE is no name for a node.
    """
    name = environ.get("TESTMESH_NODE", DEFAULT_NAME)
    if not _NAME.fullmatch(name):
        raise NodeError(f"TESTMESH_NODE={name!r}: a node's name is 1 to 40 of a-z, 0-9 and '-', such as 'demo'.")
    return Settings(
        name=name,
        state=Path(environ.get("TESTMESH_STATE", "/var/lib/testmesh")).resolve() / name,
        cache=cache_folder(),
        kube_context=environ.get("TESTMESH_KUBE_CONTEXT") or None,
    )
