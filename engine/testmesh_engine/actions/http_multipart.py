"""``multipart``: fields and files, as one body of parts (RFC 7578)."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath

from testmesh_engine.actions.http_files import read_file
from testmesh_engine.contract.record import dataclass
from testmesh_engine.errors import UsageError
from testmesh_engine.expressions import Value, nearest, to_json

_SOURCES = ("file", "content", "base64")
_KEYS = (*_SOURCES, "filename", "content_type")
_FORM = (
    "A part is text or a number, or a map with one of file (a path), content (text, or any value as JSON) and base64, "
    "and filename and content_type beside it; a list repeats the name."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One part. ``path`` is the file it was read from, as the flow has it, "" where the flow holds the content."""

    name: str
    data: bytes
    filename: str = ""
    content_type: str = ""
    path: str = ""

    def shown(self) -> dict[str, Value]:
        """The part for a report: of a file, its size."""
        told = (("name", self.name), ("filename", self.filename), ("content_type", self.content_type))
        about: dict[str, Value] = {key: text for key, text in told if text}
        if self.filename:
            return {**about, "bytes": len(self.data)}
        return {**about, "value": self.data.decode("utf-8", "replace")}


def fault_of_multipart(given: object) -> str:
    """What is wrong with the form of ``multipart``, "" where nothing is."""
    if not isinstance(given, dict) or not given:
        return f"takes a map of fields and files, by name. {_FORM}"
    for name, value in given.items():
        for item in value if isinstance(value, list) else [value]:
            if fault := _fault_of_part(name, item):
                return fault
    return ""


def _fault_of_part(name: str, item: object) -> str:
    if item is None or isinstance(item, list):
        return f'has nothing under {name}; leave it out, or write ""' if item is None else f"has a list in {name}"
    if not isinstance(item, dict):
        return ""
    for key in item:
        if key not in _KEYS:
            near = nearest(str(key), _KEYS)
            return f"has no key {key} in {name}. " + (f"Did you mean {near}?" if near else _FORM)
    if sum(source in item for source in _SOURCES) != 1:
        return f"needs one of {', '.join(_SOURCES)} in {name}. {_FORM}"
    wrong = [key for key in _KEYS if key in item and key != "content" and not isinstance(item[key], str)]
    return f"takes text under {name}.{wrong[0]}" if wrong else ""


def parts_of(given: Mapping[str, Value], folder: Path | None) -> tuple[Part, ...]:
    """The parts, in order. Raises ``UsageError`` for a file that can't be read and for what is no base64."""
    return tuple(
        _part(name, item, folder)
        for name, value in given.items()
        for item in (value if isinstance(value, list) else [value])
    )


def _part(name: str, item: Value, folder: Path | None) -> Part:
    if not isinstance(item, dict):
        return Part(name=name, data=_bytes(item))
    filename, kind = str(item.get("filename", "")), str(item.get("content_type", ""))
    if "file" in item:
        path = str(item["file"])
        filename = filename or PurePosixPath(path).name
        data = read_file(path, folder, key=f"multipart.{name}.file")
        return Part(name=name, data=data, filename=filename, content_type=kind or guessed(filename), path=path)
    if "base64" in item:
        data, kind = _from_base64(str(item["base64"]), name), kind or guessed(filename)
        return Part(name=name, data=data, filename=filename, content_type=kind)
    content = item["content"]
    if isinstance(content, (dict, list)):
        kind = kind or "application/json"
    return Part(
        name=name, data=_bytes(content), filename=filename, content_type=kind or (guessed(filename) if filename else "")
    )


def _from_base64(text: str, name: str) -> bytes:
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise UsageError(f"multipart.{name}.base64 is no base64: {error}") from error


def _bytes(value: Value) -> bytes:
    if isinstance(value, bytes):
        return value
    return (value if isinstance(value, str) else to_json(value)).encode()


def guessed(filename: str) -> str:
    """The media type that a file name's ending stands for."""
    import mimetypes  # noqa: PLC0415 - only steps that send files pay for it

    return mimetypes.guess_type(filename)[0] or "application/octet-stream"


def encoded(parts: tuple[Part, ...]) -> tuple[bytes, str]:
    """The body, and its content type. The boundary is made of the content, so that a repeated run sends the same."""
    digest = hashlib.sha256(b"\0".join(part.data for part in parts)).hexdigest()
    boundary = f"testmesh-{digest[:32]}"
    return b"".join(_lines(parts, boundary)), f"multipart/form-data; boundary={boundary}"


def _lines(parts: tuple[Part, ...], boundary: str) -> Iterator[bytes]:
    for part in parts:
        yield f"--{boundary}\r\nContent-Disposition: form-data; name={_quoted(part.name)}".encode()
        if part.filename:
            yield f"; filename={_quoted(part.filename)}".encode()
        if part.content_type:
            yield f"\r\nContent-Type: {_one_line(part.content_type)}".encode()
        yield b"\r\n\r\n" + part.data + b"\r\n"
    yield f"--{boundary}--\r\n".encode()


def _quoted(text: str) -> str:
    """As browsers write it: https://html.spec.whatwg.org/#multipart-form-data."""
    return '"' + text.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A") + '"'


def _one_line(text: str) -> str:
    return " ".join(text.split())
