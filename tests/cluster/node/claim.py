"""Who has which index on this machine: one small file for each node in /run, which a reboot clears like the rest."""

import json
from dataclasses import dataclass
from pathlib import Path

from cluster.node import network
from cluster.node.addresses import MAX_NODES, Addresses, free_index
from cluster.node.errors import NodeError
from cluster.node.settings import Settings

REGISTRY = Path("/run/testmesh")


@dataclass(frozen=True, slots=True)
class Claim:
    """A node's index and its state folder."""

    index: int
    state: Path

    @property
    def addresses(self) -> Addresses:
        """The network that goes with the index."""
        return Addresses(self.index)


def find(settings: Settings) -> Claim | None:
    """The claim of this node, if it has one.

    Raises:
        NodeError: a node of this name lives in another state folder.
    """
    claim = _read(_file(settings.name))
    if claim is not None and claim.state != settings.state:
        raise NodeError(
            f"A node named {settings.name!r} has its state in {claim.state}, not in {settings.state}.\n"
            f"Take it down first (TESTMESH_STATE={claim.state.parent}), or choose another name by TESTMESH_NODE."
        )
    return claim


def take(settings: Settings) -> Claim:
    """Choose an index that nobody has, and write it down before anything is made.

    Raises:
        NodeError: none is left, or something of the name exists that no claim speaks of.
    """
    if network.netns(settings.name).exists():
        space = network.netns(settings.name)
        raise NodeError(f"{space} exists and is not known to be ours. If it is: ip netns delete {space.name}")
    others = [claim for file in REGISTRY.glob("*.json") if (claim := _read(file))]
    index = free_index((claim.index for claim in others), network.routes())
    if index is None:
        raise NodeError(
            f"None of the {MAX_NODES} networks of a node is free (10.123.N.0/30, 10.244.N.0/24, 10.(96+N).0.0/16): "
            "the host routes them elsewhere (`ip route`), or other nodes have them (`ls /run/testmesh`)."
        )
    claim = Claim(index, settings.state)
    REGISTRY.mkdir(mode=0o755, parents=True, exist_ok=True)
    file = _file(settings.name)
    draft = file.with_suffix(".new")
    draft.write_text(json.dumps({"index": index, "state": str(settings.state)}))
    draft.replace(file)
    return claim


def drop(settings: Settings) -> None:
    """Give the index back, when nothing of the node is left."""
    _file(settings.name).unlink(missing_ok=True)


def _file(name: str) -> Path:
    return REGISTRY / f"{name}.json"


def _read(file: Path) -> Claim | None:
    try:
        told = json.loads(file.read_text())
    except FileNotFoundError:
        return None
    return Claim(int(told["index"]), Path(told["state"]))
