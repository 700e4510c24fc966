"""A Schema Registry's HTTP API on loopback, over schemas in memory.

No registry can be had as a package that starts here (Confluent's is not on Maven Central), so this one speaks the part
of its API that clients use: https://docs.confluent.io/platform/current/schema-registry/develop/api.html. What is under
test is the engine's client of it, and the messages, which it reads from a real broker.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit


@dataclass
class SchemaRegistry:
    """The running registry: its schemas by subject, and the requests that it got."""

    url: str = ""
    subjects: dict[str, list[dict[str, object]]] = field(default_factory=dict)
    seen: list[str] = field(default_factory=list)
    authorization: str = ""
    """The header that it asks for, "" for none."""
    status: int = 200
    """What it answers in place of 200: a registry that is ill."""

    def register(self, subject: str, kind: str, schema: object, *references: tuple[str, str, int]) -> int:
        """A new version of ``subject``; returns the schema's number. References: name, subject, version."""
        versions = self.subjects.setdefault(subject, [])
        number = 1 + sum(len(all_versions) for all_versions in self.subjects.values())
        text = schema if isinstance(schema, str) else json.dumps(schema)
        entry: dict[str, object] = {
            "subject": subject, "version": len(versions) + 1, "id": number, "schema": text,
        }  # fmt: skip
        if kind != "AVRO":  # which is what is meant where nothing stands
            entry["schemaType"] = kind
        if references:
            entry["references"] = [
                {"name": name, "subject": of, "version": version} for name, of, version in references
            ]
        versions.append(entry)
        return number

    def find(self, path: str) -> dict[str, object] | None:
        """The answer to a request, ``None`` where there is nothing."""
        match [unquote(part) for part in urlsplit(path).path.strip("/").split("/")]:
            case ["schemas", "ids", number]:
                known = (entry for versions in self.subjects.values() for entry in versions)
                found = next((entry for entry in known if str(entry["id"]) == number), None)
                asked = ("schema", "schemaType", "references")
                return found and {name: found[name] for name in asked if name in found}
            case ["subjects", subject, "versions", version]:
                versions = self.subjects.get(subject, [])
                wanted = str(len(versions)) if version == "latest" else version
                return next((entry for entry in versions if str(entry["version"]) == wanted), None)
        return None


@contextmanager
def schema_registry() -> Iterator[SchemaRegistry]:
    """An empty registry."""
    registry = SchemaRegistry()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            registry.seen.append(self.path)
            if registry.authorization and self.headers.get("Authorization") != registry.authorization:
                self._answer(401, {"error_code": 40101, "message": "who are you"})
            elif (found := registry.find(self.path)) is None:
                self._answer(404, {"error_code": 40403, "message": "not found"})
            else:
                self._answer(registry.status, found if registry.status == 200 else {"message": "out of order"})

        def _answer(self, status: int, body: object) -> None:
            data = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/vnd.schemaregistry.v1+json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - the name that it is called by
            """Stay silent."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    registry.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield registry
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
