"""The few calls that bringing up the node makes to its API server, with the administrator's certificate."""

import http.client
import json
import ssl
from contextlib import suppress
from typing import Any

from cluster.node.addresses import Addresses
from cluster.node.config import NODE_NAME, Json
from cluster.node.errors import NodeError
from cluster.node.paths import Paths

TIMEOUT_SECONDS = 10.0


class Api:
    """A client of one node's API server."""

    def __init__(self, paths: Paths, addresses: Addresses) -> None:
        self._host = str(addresses.node)
        self._tls = ssl.create_default_context(cafile=str(paths.pki / "ca.crt"))
        self._tls.load_cert_chain(paths.pki / "admin.crt", paths.pki / "admin.key")

    def ready(self) -> bool:
        """Whether the server serves, with all its start-up hooks done."""
        return self._answers("/readyz")

    def node_ready(self) -> bool:
        """Whether the kubelet has registered the node and takes pods."""
        with suppress(OSError, http.client.HTTPException, NodeError):
            status = self._json(f"/api/v1/nodes/{NODE_NAME}")["status"]
            return any(each["type"] == "Ready" and each["status"] == "True" for each in status.get("conditions", ()))
        return False

    def has_default_account(self) -> bool:
        """Whether a pod may be created in the namespace `default`: not before the controllers made its account."""
        return self._answers("/api/v1/namespaces/default/serviceaccounts/default")

    def apply(self, path: str, value: Json) -> None:
        """Create an object or make it what it should be (server-side apply).

        Raises:
            NodeError: the server refuses it.
        """
        kind = "application/apply-patch+yaml"  # JSON is YAML
        status, text = self._call(
            "PATCH", f"{path}?fieldManager=testmesh-node&force=true", json.dumps(value), kind=kind
        )
        if status >= 300:
            raise NodeError(f"The API server refuses {path} ({status}): {text.decode(errors='replace')}")

    def _answers(self, path: str) -> bool:
        with suppress(OSError, http.client.HTTPException):
            return self._call("GET", path)[0] == 200
        return False

    def _json(self, path: str) -> Any:
        status, text = self._call("GET", path)
        if status != 200:
            raise NodeError(f"GET {path}: {status}")
        return json.loads(text)

    def _call(self, method: str, path: str, body: str | None = None, *, kind: str = "") -> tuple[int, bytes]:
        connection = http.client.HTTPSConnection(self._host, 6443, context=self._tls, timeout=TIMEOUT_SECONDS)
        try:
            connection.request(method, path, body, {"Content-Type": kind} if kind else {})
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()
