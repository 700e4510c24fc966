"""The definitions of the kinds, made from the models.

``python -m testmesh_operator.resources.crds FOLDER`` writes ``FOLDER/<plural>.<group>.yaml`` for each kind; `crds/` and
the chart hold what it wrote, and a test fails where they don't.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import yaml
from pydantic import BaseModel, JsonValue

from testmesh_operator.resources.base import GROUP, VERSION, JsonObject, rule
from testmesh_operator.resources.schema import structural
from testmesh_operator.resources.testflow import TestFlowSpec, TestFlowStatus
from testmesh_operator.resources.testrun import TestRunSpec, TestRunStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind: its models, its names, and what ``kubectl get`` shows of it."""

    name: str
    plural: str
    short: str
    description: str
    spec: type[BaseModel]
    status: type[BaseModel]
    columns: tuple[JsonObject, ...]
    rules: tuple[JsonValue, ...] = ()
    selectable: tuple[str, ...] = ()

    @property
    def file_name(self) -> str:
        """Name of the generated file, which is also that of the definition."""
        return f"{self.plural}.{GROUP}.yaml"


def column(name: str, path: str, *, kind: str = "string", wide: bool = False) -> JsonObject:
    """A printer column; ``wide`` ones stand only in ``kubectl get -o wide``."""
    return {"name": name, "type": kind, "jsonPath": path, **({"priority": 1} if wide else {})}


_AGE = column("Age", ".metadata.creationTimestamp", kind="date")
_SUCCEEDED = '.status.conditions[?(@.type=="Succeeded")]'

KINDS = (
    Kind(
        name="TestFlow",
        plural="testflows",
        short="tflow",
        description="A flow that tests services across their boundaries, run by TestRuns.",
        spec=TestFlowSpec,
        status=TestFlowStatus,
        columns=(
            column("Ready", '.status.conditions[?(@.type=="Ready")].status'),
            column("Last", ".status.recentRuns[0].result"),
            column("Failures", ".status.consecutiveFailures", kind="integer"),
            _AGE,
            column("Message", '.status.conditions[?(@.type=="Ready")].message', wide=True),
        ),
    ),
    Kind(
        name="TestRun",
        plural="testruns",
        short="trun",
        description="One run of a flow: a Job runs it, the result stands in the status.",
        spec=TestRunSpec,
        status=TestRunStatus,
        columns=(
            column("Result", ".status.result"),
            column("Reason", f"{_SUCCEEDED}.reason"),
            column("Flow", ".status.flow.name"),
            column("Passed", ".status.counts.passed", kind="integer"),
            column("Failed", ".status.counts.failed", kind="integer"),
            column("Duration", ".status.duration"),
            _AGE,
            column("Job", ".status.jobRef.name", wide=True),
            column("Message", f"{_SUCCEEDED}.message", wide=True),
        ),
        rules=(
            # Labels take no more, and the run's name is one on its Job and pods.
            rule("self.metadata.name.size() <= 63", "the name of a TestRun has at most 63 characters"),
            # Without this rule an edit after the end makes kubectl wait, Flux and Argo CD wait for ever.
            rule(
                "!has(oldSelf.status) || !has(oldSelf.status.completionTime) || "
                "(self.spec == oldSelf.spec && has(self.status) && self.status == oldSelf.status)",
                "this TestRun has finished and can't be changed: create another one",
            ),
            # A started run can only be cancelled: taken and ignored, a suspend would be a lie.
            rule(
                "!(has(self.spec.suspend) && self.spec.suspend) "
                "|| (has(oldSelf.spec.suspend) && oldSelf.spec.suspend) "
                "|| !has(self.status) || !has(self.status.jobRef)",
                "this TestRun has started and can't be suspended: cancel it",
            ),
        ),
        selectable=(".status.result",),
    ),
)


_HEADER = """\
# Made from the models in operator/testmesh_operator/resources; don't edit. To make it anew:
# python -m testmesh_operator.resources.crds crds helm/testmesh/files/crds"""


def definition(kind: Kind) -> JsonObject:
    """The CustomResourceDefinition of one kind."""
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{kind.plural}.{GROUP}"},
        "spec": {
            "group": GROUP,
            "scope": "Namespaced",
            "names": {
                "kind": kind.name,
                "listKind": f"{kind.name}List",
                "plural": kind.plural,
                "singular": kind.name.lower(),
                "shortNames": [kind.short],
                "categories": ["testmesh"],
            },
            "versions": [_version(kind)],
        },
    }


def _version(kind: Kind) -> JsonObject:
    version: JsonObject = {
        "name": VERSION,
        "served": True,
        "storage": True,
        "subresources": {"status": {}},
        "additionalPrinterColumns": list(kind.columns),
        "schema": {"openAPIV3Schema": _root(kind)},
    }
    if kind.selectable:
        version["selectableFields"] = [{"jsonPath": path} for path in kind.selectable]
    return version


def _root(kind: Kind) -> JsonObject:
    root: JsonObject = {
        "type": "object",
        "description": kind.description,
        "required": ["spec"],
        "properties": {
            "apiVersion": {"type": "string"},
            "kind": {"type": "string"},
            "metadata": {"type": "object"},
            "spec": structural(kind.spec),
            # Seen in the answer to a create, before the operator is: tools then say "in progress", not "current".
            "status": {**structural(kind.status), "default": {"observedGeneration": -1}},
        },
    }
    if kind.rules:
        root["x-kubernetes-validations"] = list(kind.rules)
    return root


def render(kind: Kind) -> str:
    """The definition as YAML, with a line that says where it comes from."""
    text = yaml.safe_dump(definition(kind), sort_keys=False, width=120, allow_unicode=True)
    return f"{_HEADER}\n{text}"


def main(folders: list[str]) -> None:
    """Write every definition into each of the folders."""
    for folder in folders:
        for kind in KINDS:
            (Path(folder) / kind.file_name).write_text(render(kind), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
