"""The ``curl`` line that does what a step did: for whoever has to look into a failure by hand.

It is one command in POSIX sh. Credentials in headers are variables of the shell, named in capitals like the header:
``AUTHORIZATION='Bearer …'`` is set before it is run. https://curl.se/docs/manpage.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from testmesh_engine.actions.http_content import Content
from testmesh_engine.actions.http_message import Outgoing
from testmesh_engine.actions.http_multipart import Part
from testmesh_engine.contract.record import dataclass

MAX_INLINE_BYTES = 2048
"""Of a body within the line; a report cuts texts at 4,096 characters, and a line that is cut does not run."""

_NOT_SHOWN = frozenset({"host", "content-length", "accept-encoding", "user-agent", "connection"})
"""Headers that curl sends by itself, or that say who asks."""

_CREDENTIAL = re.compile(r"(authorization|cookie|password|secret|token|key)$", re.IGNORECASE)
"""Headers whose values say who asks."""

_BREAK = " \\\n  "


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """How the step sends, beside what: TLS, redirects, HTTP/2. Certificates as the flow has them, paths or PEM."""

    verify: bool = True
    ca: str = ""
    certificate: str = ""
    key: str = ""
    redirects: int | None = None
    http2: bool = False


def curl_line(sent: Outgoing, content: Content, means: Means) -> str:
    """The command. Files have the paths of the flow: it is run in the flow's folder."""
    notes: list[str] = []
    url = str(sent.url.without_credentials())
    options = [*_method(sent), *_means(sent, means, notes), *_headers(sent, content)]
    piped, data = _data(sent, content, notes)
    line = f"{piped}curl -i {_quoted(url)}" + "".join(f"{_BREAK}{option}" for option in (*_globs(url), *options, *data))
    return line + (f"  # {'; '.join(notes)}" if notes else "")


def _method(sent: Outgoing) -> Iterator[str]:
    """Curl keeps a method that -X gives when it follows a redirect: it is left out where curl knows it."""
    if sent.method == "HEAD":
        yield "-I"
    elif sent.method != ("POST" if sent.body else "GET"):
        yield f"-X {sent.method}"


def _globs(url: str) -> Iterator[str]:
    if any(char in url for char in "[]{}"):
        yield "-g"


def _means(sent: Outgoing, means: Means, notes: list[str]) -> Iterator[str]:
    if means.redirects is not None:
        yield f"-L --max-redirs {means.redirects}"
    if means.http2:
        yield "--http2" if sent.url.scheme == "https" else "--http2-prior-knowledge"
    if sent.url.scheme != "https":
        return
    if not means.verify:
        yield "-k"
    for option, text, file in (
        ("--cacert", means.ca, "ca_cert.pem"),
        ("--cert", means.certificate, "client_cert.pem"),
        ("--key", means.key, "client_key.pem"),
    ):
        if "-----BEGIN" in text:
            notes.append(f"{file} holds the flow's {file.removesuffix('.pem')}")
            yield f"{option} {file}"
        elif text:
            yield f"{option} {_quoted(text)}"


def _headers(sent: Outgoing, content: Content) -> Iterator[str]:
    for name, value in sent.headers:
        plain = name.lower()
        if plain in _NOT_SHOWN or (plain, value) == ("accept", "*/*") or (plain == "content-type" and content.parts):
            continue
        if _CREDENTIAL.search(name):
            # A variable of the shell: a secret never gets into the line, and a line without it runs.
            yield f'-H "{name}: ${re.sub(r"[^A-Za-z0-9]", "_", name).upper()}"'
        else:
            # curl takes "X:" for a header to leave out; ";" sends it without a value.
            yield f"-H {_quoted(f'{name}: {value}' if value else f'{name};')}"
    if sent.body and not content.parts and not any(name.lower() == "content-type" for name, _ in sent.headers):
        yield "-H 'Content-Type:'"


def _data(sent: Outgoing, content: Content, notes: list[str]) -> tuple[str, list[str]]:
    """What stands before ``curl``, and the options that give it the body."""
    if content.path:
        return "", [f"--data-binary {_quoted('@' + content.path)}"]
    if content.parts:
        return _forms(content.parts, notes)
    if not sent.body:
        return "", (["--data ''", "-H 'Content-Type:'"] if sent.method == "POST" else [])
    if len(sent.body) > MAX_INLINE_BYTES:
        notes.append(f"the file body holds the {len(sent.body)} bytes that were sent")
        return "", ["--data-binary @body"]
    if (text := _text(sent.body)) is None or text.startswith("@"):
        return f"{_printf(sent.body)} | ", ["--data-binary @-"]
    return "", [f"--data-binary {_quoted(text)}"]


def _forms(parts: tuple[Part, ...], notes: list[str]) -> tuple[str, list[str]]:
    options, piped = [], ""
    for part in parts:
        about = f";filename={_escaped(part.filename)}" if part.filename else ""
        about += f";type={part.content_type}" if part.content_type else ""
        text = _text(part.data)
        if part.path:
            options.append(f"-F {_quoted(f'{part.name}=@{_escaped(part.path)}{about}')}")
        elif not about and text is not None and len(part.data) <= MAX_INLINE_BYTES:
            options.append(f"--form-string {_quoted(f'{part.name}={text}')}")
        elif text is not None and len(part.data) <= MAX_INLINE_BYTES:
            options.append(f"-F {_quoted(f'{part.name}={_escaped(text)}{about}')}")
        elif not piped and len(part.data) <= MAX_INLINE_BYTES:
            piped = f"{_printf(part.data)} | "
            options.append(f"-F {_quoted(f'{part.name}=@-{about}')}")
        else:
            notes.append(f"the file {part.name} holds the {len(part.data)} bytes of that part")
            options.append(f"-F {_quoted(f'{part.name}=@{part.name}{about}')}")
    return piped, options


def _escaped(text: str) -> str:
    """A value of -F, which ends at ; and , unless it stands in double quotes."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _text(data: bytes) -> str | None:
    """``data`` as text that a command line can hold."""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return None
    return None if any(char < " " and char not in "\n\t" for char in text) else text


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


def _printf(data: bytes) -> str:
    """Only what needs it is escaped: whoever masks secrets must find them."""
    plain = "".join(chr(byte) if 32 <= byte < 127 and byte not in b"%'\\" else f"\\{byte:03o}" for byte in data)
    return f"printf '{plain}'"
