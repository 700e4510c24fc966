"""From an answer to the step's result: headers by name, the body as what its content type says."""

from __future__ import annotations

from collections.abc import Iterable

from testmesh_engine.actions.base import Result
from testmesh_engine.actions.http_exchange import Answer
from testmesh_engine.actions.http_message import GarbledError
from testmesh_engine.expressions import CaseBlindMap, Value, parse_json

_UTF8 = frozenset({"utf-8", "utf8"})


def result_of(answer: Answer) -> Result:
    """The result. Raises ``GarbledError`` for a body that is not what it says it is: UTF-8, JSON."""
    result = head_of(answer)
    kind = str(result["content_type"])
    try:
        result["body"] = body_of(answer.body, kind, _charset(answer))
    except GarbledError as error:
        # What came with the status of a failure is most often no answer of the service itself.
        raise GarbledError(f"status {answer.head.status}, and {error}", error.hint) from error
    return result


def head_of(answer: Answer) -> Result:
    """All of the result but the body."""
    headers = _headers(answer.head.headers)
    return {
        "status": answer.head.status,
        "headers": headers,
        "cookies": dict(answer.cookies),
        "content_type": str(headers.get("content-type", "")).partition(";")[0].strip().lower(),
        "url": str(answer.url),
        "redirects": list(answer.redirects),
        "http_version": answer.head.version,
    }


def _headers(pairs: Iterable[tuple[str, str]]) -> CaseBlindMap:
    """The headers by lower-case name; one that is repeated is joined by commas (RFC 9110, 5.3)."""
    found: dict[str, str] = {}
    for name, value in pairs:
        found[name] = f"{found[name]}, {value}" if name in found else value
    return CaseBlindMap(found)


def _charset(answer: Answer) -> str:
    """The charset parameter of the content type, "" where there is none."""
    for part in ";".join(answer.head.values("content-type")).split(";")[1:]:
        name, _, value = part.partition("=")
        if name.strip().lower() == "charset":
            return value.strip().strip("\"'").lower()
    return ""


def body_of(content: bytes, content_type: str, charset: str) -> Value:
    """What the answer says it is; one that says nothing is JSON where it is that, else text.

    Raises ``GarbledError`` for one that is not what it says.
    """
    says_json = _is_json(content_type)
    if not content:
        return None if says_json else ""
    if says_json or (not content_type and content[:1] in b'{["'):
        return _json_of(content, content_type, charset)
    if not content_type or content_type.startswith("text/") or _is_text(content_type):
        return _decoded(content, charset)
    return content


def _is_json(content_type: str) -> bool:
    """Whether it is one JSON document (RFC 6839, 3.1), and not a stream of several."""
    return content_type.endswith(("/json", "+json", "/x-json", "/json-rpc", "/jsonrequest"))


def _json_of(content: bytes, content_type: str, charset: str) -> Value:
    # JSON is UTF-8, whatever else is said of it (RFC 8259, 8.1).
    text = _decoded(content, charset or ("utf-8" if content_type else ""))
    try:
        return parse_json(text.removeprefix("\ufeff"), unique=True)
    except ValueError as error:
        if not content_type:
            return text
        why = str(error).removeprefix("no JSON: ")
        raise GarbledError(f"the body says that it is JSON ({content_type}), and is not: {why}") from error


def _decoded(content: bytes, charset: str) -> str:
    try:
        return content.decode(charset or "utf-8", "strict" if charset in _UTF8 else "replace")
    except UnicodeDecodeError as error:
        raise GarbledError(
            f"the body says that it is UTF-8, and is not: byte 0x{content[error.start]:02x} after "
            f"{error.start} bytes of {len(content)}"
        ) from error
    except (LookupError, UnicodeError):  # Python has codecs that decode no text (idna, undefined)
        return content.decode("utf-8", "replace")


def _is_text(content_type: str) -> bool:
    return any(
        word in content_type
        for word in ("json", "xml", "yaml", "javascript", "x-www-form-urlencoded", "html", "graphql")
    )
