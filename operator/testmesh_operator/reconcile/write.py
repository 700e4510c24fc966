"""The one form in which a status is written: a merge patch with the resource version it was decided on."""

from __future__ import annotations

from testmesh_operator.resources.base import JsonObject, Meta, Model


def status_patch(metadata: Meta, old: Model, new: Model) -> JsonObject | None:
    """The patch that makes ``new`` of ``old``, None where nothing differs. A stale view of ours gets a conflict."""
    before, after = old.to_json(), new.to_json()
    if before == after:
        return None
    # A merge patch keeps what it doesn't name.
    removed: JsonObject = dict.fromkeys(before.keys() - after.keys())
    return {
        "metadata": {"resourceVersion": metadata.resource_version, "uid": metadata.uid},
        "status": {**removed, **{key: value for key, value in after.items() if before.get(key) != value}},
    }
