"""The committed table of what kubectl makes of plain scalars is what its own packages say."""

from __future__ import annotations

import shutil

import pytest

from support.kubectl_yaml.table import committed, made_anew


@pytest.mark.skipif(shutil.which("go") is None, reason="needs Go to build with kubectl's packages")
def test_the_committed_table_is_what_kubectls_packages_say() -> None:
    """``sigs.k8s.io/yaml`` and ``k8s.io/apimachinery``, as kubectl 1.34 is built from them."""
    assert committed() == made_anew()
