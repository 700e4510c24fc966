"""What all kinds share: names, the model's base, metadata, conditions, and how a schema is annotated."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import ClassVar, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, JsonValue
from pydantic.alias_generators import to_camel

GROUP = "testmesh.io"
VERSION = "v1alpha1"
API_VERSION = f"{GROUP}/{VERSION}"

JsonObject: TypeAlias = dict[str, JsonValue]
"""An object of the Kubernetes API, as JSON."""

# The API server knows these by name; the schema generator takes each from the field that carries it.
PRESERVE_UNKNOWN: dict[str, JsonValue] = {"x-kubernetes-preserve-unknown-fields": True}
ATOMIC: dict[str, JsonValue] = {"x-kubernetes-list-type": "atomic"}


def native(kind: str) -> dict[str, JsonValue]:
    """Mark a field as holding a type of Kubernetes itself, ``kind`` as the Python client calls it (``V1Affinity``)."""
    return {"x-testmesh-native": kind}


def keyed_by(key: str) -> dict[str, JsonValue]:
    """Mark a list whose items are told apart by ``key``, so that server-side apply merges them."""
    return {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": [key]}


def rule(expression: str, message: str) -> JsonValue:
    """A validation rule in CEL (KEP-2876), for ``x-kubernetes-validations``."""
    return {"rule": expression, "message": message}


class Model(BaseModel):
    """Base of all models: camelCase in JSON, immutable; unknown fields are those of a newer definition and stay out."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, frozen=True, extra="ignore")

    __test__: ClassVar[bool] = False  # pytest would collect every class whose name begins with Test

    def to_json(self) -> JsonObject:
        """The object as the API takes it: no fields without a value."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)


class Key(Model):
    """Names one object: what the queue holds."""

    kind: Literal["TestFlow", "TestRun"]
    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}"


class Meta(Model):
    """The part of ``metadata`` that decisions need."""

    name: str
    namespace: str
    uid: str
    resource_version: str = ""
    generation: int = 0
    creation_timestamp: datetime
    deletion_timestamp: datetime | None = None


class ConditionStatus(StrEnum):
    """The three values of a condition."""

    TRUE = "True"
    FALSE = "False"
    UNKNOWN = "Unknown"


class Condition(Model):
    """A condition as in metav1.Condition; the API conventions say what each field means."""

    type: str = Field(max_length=316)
    status: ConditionStatus
    reason: str = Field(max_length=1024)
    message: str = Field(max_length=32768)
    observed_generation: int = Field(default=0, json_schema_extra={"format": "int64"})
    last_transition_time: datetime


class SecretOrConfigMapSource(Model):
    """A Secret or ConfigMap of the run's namespace, whole."""

    name: str
    optional: bool | None = None


class EnvFrom(Model):
    """Every key of a ConfigMap or Secret as a variable; exactly one of the two."""

    model_config = ConfigDict(
        json_schema_extra={
            "x-kubernetes-validations": [
                rule("has(self.configMapRef) != has(self.secretRef)", "give exactly one of configMapRef and secretRef"),
            ]
        }
    )

    prefix: str | None = Field(default=None, description="Put before each key.", max_length=256)
    config_map_ref: SecretOrConfigMapSource | None = None
    secret_ref: SecretOrConfigMapSource | None = None


class EnvVar(Model):
    """One variable of the run: it beats the flow's own env of the same name."""

    model_config = ConfigDict(
        json_schema_extra={
            "x-kubernetes-validations": [
                rule(
                    "!self.name.startsWith('TESTMESH_') && !(self.name in ['RUN_ID', 'EXECUTION_ID'])",
                    "TESTMESH_*, RUN_ID and EXECUTION_ID are set by the operator; choose another name",
                ),
                rule("!(has(self.value) && has(self.valueFrom))", "give value or valueFrom, not both"),
            ]
        }
    )

    name: str = Field(min_length=1, max_length=256, pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")
    value: str | None = Field(default=None, max_length=65536)
    value_from: JsonObject | None = Field(default=None, json_schema_extra=native("V1EnvVarSource"))

    @property
    def secret_key(self) -> tuple[str, str] | None:
        """Name and key of the Secret that the value comes from; None for any other source."""
        reference = (self.value_from or {}).get("secretKeyRef")
        if not isinstance(reference, dict):
            return None
        return str(reference.get("name", "")), str(reference.get("key", ""))
