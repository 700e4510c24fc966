"""Each example runs on the cluster as it stands in its folder."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from cluster.installation import ROOT
from cluster.kubectl import Kubectl

pytestmark = pytest.mark.cluster

EXAMPLES = sorted(path.parent for path in (ROOT / "examples").glob("[0-9]*/testrun.yaml"))


@pytest.mark.parametrize("folder", EXAMPLES, ids=lambda folder: folder.name)
def test_example_passes(folder: Path, kubectl: Kubectl, installed: None) -> None:
    """`kubectl apply` of the folder, and the run passes."""
    kubectl.make_anew(folder)
    metadata = yaml.safe_load((folder / "testrun.yaml").read_text())["metadata"]
    status = kubectl.wait_finished(metadata["name"], namespace=metadata["namespace"])["status"]
    assert "Passed" == status["result"], status
