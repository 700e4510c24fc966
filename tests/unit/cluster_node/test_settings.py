"""Settings come from the environment, once."""

from pathlib import Path

import pytest

from cluster.node import settings
from cluster.node.errors import NodeError


def test_each_node_has_a_folder_of_its_own() -> None:
    """Nodes of two names stand side by side in one state folder."""
    assert settings.read({"TESTMESH_STATE": "/s", "TESTMESH_NODE": "demo"}).state == Path("/s/demo")


@pytest.mark.parametrize("name", ["", "../other", "A", "-x", "x-", "a" * 41, "a b"])
def test_a_name_that_is_no_name_is_refused(name: str) -> None:
    """Names become parts of paths, devices and control groups."""
    with pytest.raises(NodeError, match="a node's name is 1 to 40 of"):
        settings.read({"TESTMESH_NODE": name})


def test_an_empty_context_is_none() -> None:
    """`TESTMESH_KUBE_CONTEXT= make test` means the local way."""
    assert settings.read({"TESTMESH_KUBE_CONTEXT": ""}).kube_context is None
