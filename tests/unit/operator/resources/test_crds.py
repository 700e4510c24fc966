"""The committed definitions are those of the models, and stay within what the API server and tools take."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from testmesh_operator.resources.crds import KINDS, Kind, definition, render

ROOT = Path(__file__).parents[4]
FOLDERS = (ROOT / "crds", ROOT / "helm" / "testmesh" / "files" / "crds")


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
@pytest.mark.parametrize("folder", FOLDERS, ids=["crds", "chart"])
def test_committed_definition_is_that_of_the_models(kind: Kind, folder: Path) -> None:
    """`python -m testmesh_operator.resources.crds crds helm/testmesh/files/crds` mends it."""
    assert render(kind) == (folder / kind.file_name).read_text(encoding="utf-8")


@pytest.mark.parametrize("folder", FOLDERS, ids=["crds", "chart"])
def test_nothing_else_is_installed(folder: Path) -> None:
    """A definition of a kind that is gone would stay for ever."""
    assert {kind.file_name for kind in KINDS} == {path.name for path in folder.iterdir()}


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_definition_stays_under_200_kilobytes(kind: Kind) -> None:
    """Kubectl apply keeps a copy in an annotation of at most 256 KiB."""
    assert 200_000 > len(render(kind))


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_every_node_of_the_schema_is_structural(kind: Kind) -> None:
    """No references, no unions but those of quantities, a type everywhere."""
    for path, node in _nodes(_schema(kind), kind.name):
        assert not {"$ref", "allOf", "oneOf", "title", "default", "$defs"} & node.keys() or path.endswith(".status"), (
            path
        )
        assert "type" in node or node.get("x-kubernetes-int-or-string"), path


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_status_says_in_progress_before_the_operator_does(kind: Kind) -> None:
    """The schema's default stands in the very answer to the create."""
    version = definition(kind)["spec"]["versions"][0]  # type: ignore[index, call-overload]  # JSON of our own
    assert {"observedGeneration": -1} == _schema(kind)["properties"]["status"]["default"]
    assert {"status": {}} == version["subresources"]


def test_a_flows_steps_are_open() -> None:
    """A new action never changes a definition."""
    for kind in KINDS:
        flow = _schema(kind)["properties"]["spec"]["properties"]["flow"]
        assert {"type": "object", "x-kubernetes-preserve-unknown-fields": True} == {
            key: value for key, value in flow.items() if key != "description"
        }


def test_quantities_are_numbers_or_text() -> None:
    """`cpu: 1` is as good as `cpu: "1"`."""
    (run,) = [kind for kind in KINDS if kind.name == "TestRun"]
    pod = _schema(run)["properties"]["spec"]["properties"]["podTemplate"]["properties"]
    assert pod["resources"]["properties"]["limits"]["additionalProperties"]["x-kubernetes-int-or-string"]


def _schema(kind: Kind) -> dict[str, Any]:
    loaded = yaml.safe_load(render(kind))
    schema: dict[str, Any] = loaded["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    return schema


def _nodes(schema: dict[str, Any], path: str) -> Iterator[tuple[str, dict[str, Any]]]:
    yield path, schema
    for name, child in schema.get("properties", {}).items():
        yield from _nodes(child, f"{path}.{name}")
    for key in ("items", "additionalProperties"):
        if isinstance(schema.get(key), dict):
            yield from _nodes(schema[key], f"{path}.{key}")
