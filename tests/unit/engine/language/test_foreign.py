"""Which YAML beside flows is passed over, and which must not be."""

from __future__ import annotations

import pytest

from testmesh_engine.language.foreign import is_foreign

STEPS = "  name: x\n  steps:\n    - action: delay\n"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "# nothing\n",
        "resources:\n  - a.yaml\n",
        "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources: [a.yaml]\n",
        "apiVersion: v1\nkind: ConfigMap\ndata: {a: b}\n---\napiVersion: apps/v1\nkind: Deployment\nspec: {}\n",
        "image:\n  repository: x\n  tag: 1\n",
        "- hosts: all\n  tasks: []\n",
        "steps:\n  - name: gcr.io/cloud-builders/docker\n    args: [build]\n",
        'apiVersion: v1\nkind: Secret\nmetadata: {{ include "x" . }}\n{{- if .Values.y }}\n{{- end }}\n',
        "apiVersion: testmesh.io/v1alpha1\nkind: TestRun\nmetadata: {name: a}\nspec: {flowRef: {name: b}}\n",
        "version: 2\nworkflow:\n  rules: []\n",
    ],
)
def test_what_is_clearly_no_flow_is_passed_over(text: str) -> None:
    """Manifests, values, pipelines and templates of other tools, and a run of a flow that stands elsewhere."""
    assert is_foreign(text)


@pytest.mark.parametrize(
    "text",
    [
        f"flow:\n{STEPS}",
        f'"flow":\n{STEPS}',
        f"  flow:\n{STEPS.replace('  ', '    ')}",
        "{flow: {name: x, steps: []}}",
        f"flwo:\n{STEPS}",
        f"Flow:\n{STEPS}",
        f"flows:\n{STEPS}",
        "name: x\nsteps:\n  - action: delay\n",
        f"flow :\n{STEPS}",
        "flow:\n\tname: x\n",
        "flow: [\n",
        "floww:\n  name: {{ x }}\n  steps: [\n",
        "apiVersion: testmesh.io/v1alpha1\nkind: TestFlow\nspec: {flow: {name: x, steps: []}}\n",
        "apiVersion: testmesh.io/v1alpha1\nkind: TestFlwo\nspec: {flow: {name: x, steps: []}}\n",
        "apiVersion: testmesh.io/v1\nkind: TestFlow\nspec: {flow: {name: x, steps: []}}\n",
        "apiVersion: testmesh.io/v1alpha1\nkind: TestFlow\nspec: {{ .Values.spec }}\n",
        "apiVersion: v1\nkind: ConfigMap\n---\nflow:\n  name: x\n",
    ],
)
def test_what_is_a_flow_or_may_be_meant_for_one_is_not(text: str) -> None:
    """A mistyped key must not make a test vanish."""
    assert not is_foreign(text)
