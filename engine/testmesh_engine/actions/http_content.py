"""What a request carries: the body by the one key of the config that gives it, and its content type."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import urlencode

from testmesh_engine.actions.config import Config
from testmesh_engine.actions.http_files import read_file
from testmesh_engine.actions.http_multipart import Part, encoded, guessed, parts_of
from testmesh_engine.contract.record import dataclass
from testmesh_engine.errors import UsageError
from testmesh_engine.expressions import Value, kind_of, to_json

KEYS = ("body", "form", "multipart", "body_file", "graphql")
"""The keys of the config that give a body: a request has one of them at most."""

_FORM_TYPE = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """A body. ``parts`` and ``path`` are what it was made of, for the ``curl`` line."""

    data: bytes = b""
    content_type: str = ""
    parts: tuple[Part, ...] = ()
    path: str = ""
    accept: str = ""


def content_of(settings: Config, content_type: str, folder: Path | None) -> Content:
    """The body that the config gives; ``content_type`` is the author's own header, in lower case.

    Raises ``UsageError`` where there is more than one, or a file can't be read.
    """
    # An empty map is a body of its own: {} is JSON. Of the others it means that there is none.
    given = [key for key in KEYS if settings.value(key) not in ((None,) if key == "body" else (None, {}))]
    if len(given) > 1:
        raise UsageError(f"a request has {given[0]} or {given[1]}, not both")
    return _MAKERS[given[0]](settings, content_type, folder) if given else Content()


def _of_body(settings: Config, content_type: str, _: Path | None) -> Content:
    body = settings.value("body")
    if isinstance(body, dict) and content_type.startswith(_FORM_TYPE):
        return Content(data=_url_encoded(body), content_type=_FORM_TYPE)
    if isinstance(body, bytes):
        return Content(data=body)
    if isinstance(body, str):
        return Content(data=body.encode(), content_type="text/plain; charset=utf-8")
    return Content(data=to_json(body).encode(), content_type="application/json")


def _of_form(settings: Config, _: str, __: Path | None) -> Content:
    return Content(data=_url_encoded(settings.map("form")), content_type=_FORM_TYPE)


def _of_multipart(settings: Config, content_type: str, folder: Path | None) -> Content:
    if content_type:
        raise UsageError(
            "multipart sets Content-Type itself: it names the boundary between the parts",
            hint="Leave the header out; the type of a part is its content_type.",
        )
    parts = parts_of(settings.map("multipart"), folder)
    data, kind = encoded(parts)
    return Content(data=data, content_type=kind, parts=parts)


def _of_file(settings: Config, _: str, folder: Path | None) -> Content:
    name = settings.text("body_file")
    return Content(data=read_file(name, folder, key="body_file"), content_type=guessed(name), path=name)


def _of_graphql(settings: Config, _: str, __: Path | None) -> Content:
    """https://graphql.github.io/graphql-over-http/draft/#sec-POST."""
    given = settings.map("graphql")
    unknown = [name for name in given if name not in _GRAPHQL]
    if unknown:
        raise UsageError(f"graphql has no key {unknown[0][:80]}", hint=f"It has {', '.join(_GRAPHQL)}.")
    query, variables = given.get("query"), given.get("variables")
    if not isinstance(query, str) or not query.strip():
        raise UsageError("graphql needs query, the text of the operation")
    if not isinstance(variables, dict) and variables is not None:
        raise UsageError(f"graphql.variables takes a map, found {kind_of(variables)}")
    asked: Value = {wire: given[name] for name, wire in _GRAPHQL.items() if given.get(name) is not None}
    accept = "application/graphql-response+json, application/json;q=0.9"
    return Content(data=to_json(asked).encode(), content_type="application/json", accept=accept)


_GRAPHQL = {"query": "query", "variables": "variables", "operation_name": "operationName"}
"""The keys of ``graphql``, and what each is called in the request."""

_MAKERS: Mapping[str, Callable[[Config, str, Path | None], Content]] = {
    "body": _of_body,
    "form": _of_form,
    "multipart": _of_multipart,
    "body_file": _of_file,
    "graphql": _of_graphql,
}


def _url_encoded(form: Mapping[str, Value]) -> bytes:
    return urlencode([(name, item) for name, value in form.items() for item in texts(value)]).encode()


def text_of(value: Value) -> str:
    """A value as a header, a parameter or a cookie has it."""
    return value if isinstance(value, str) else to_json(value)


def texts(value: Value) -> list[str]:
    """A parameter may be repeated: a list gives one for each item."""
    return [text_of(item) for item in value] if isinstance(value, list) else [text_of(value)]
