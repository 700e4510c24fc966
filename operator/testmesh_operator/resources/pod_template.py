"""What a run may say about its pod: a list of fields, not a PodSpec, which would make 500 KB of definition."""

from __future__ import annotations

from pydantic import Field

from testmesh_operator.resources.base import ATOMIC, JsonObject, Model, keyed_by, native


class PodTemplate(Model):
    """Fields that are put on the runner's pod, or on its container (image, resources, volumeMounts)."""

    labels: dict[str, str] | None = None
    annotations: dict[str, str] | None = None
    image: str | None = Field(
        default=None, max_length=1024, description="Runner image, in place of the operator's: for actions of your own."
    )
    resources: JsonObject | None = Field(default=None, json_schema_extra=native("V1ResourceRequirements"))
    node_selector: dict[str, str] | None = None
    tolerations: list[JsonObject] | None = Field(default=None, json_schema_extra=native("V1Toleration") | ATOMIC)
    affinity: JsonObject | None = Field(default=None, json_schema_extra=native("V1Affinity"))
    topology_spread_constraints: list[JsonObject] | None = Field(
        default=None, json_schema_extra=native("V1TopologySpreadConstraint") | ATOMIC
    )
    service_account_name: str | None = Field(
        default=None,
        max_length=253,
        description="For image pull secrets and policies; its token is never mounted.",
    )
    image_pull_secrets: list[JsonObject] | None = Field(
        default=None, json_schema_extra=native("V1LocalObjectReference") | ATOMIC
    )
    priority_class_name: str | None = Field(default=None, max_length=253)
    runtime_class_name: str | None = Field(default=None, max_length=253)
    security_context: JsonObject | None = Field(
        default=None,
        description="Of the pod; laid over the restricted defaults.",
        json_schema_extra=native("V1PodSecurityContext"),
    )
    volumes: list[JsonObject] | None = Field(default=None, json_schema_extra=native("V1Volume") | keyed_by("name"))
    volume_mounts: list[JsonObject] | None = Field(
        default=None,
        description="Of the runner container.",
        json_schema_extra=native("V1VolumeMount") | keyed_by("mountPath"),
    )
    dns_config: JsonObject | None = Field(default=None, json_schema_extra=native("V1PodDNSConfig"))
    host_aliases: list[JsonObject] | None = Field(
        default=None, json_schema_extra=native("V1HostAlias") | keyed_by("ip")
    )
    termination_grace_period_seconds: int | None = Field(
        default=None, ge=5, le=3600, description="Time for teardown after a deadline or a cancel. Default 30."
    )
