"""URLs as they are sent. What they mean is httpx's to say, which takes 50 ms to import: a plain one needs it not."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from testmesh_engine.actions.http_driver import load_httpx
from testmesh_engine.contract.record import dataclass

if TYPE_CHECKING:
    import httpx

_OCTET = "(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
_PLAIN = re.compile(
    r"(?P<scheme>https?)://"
    rf"(?P<netloc>(?P<host>{_OCTET}(?:\.{_OCTET}){{3}}|(?:[a-z0-9]+[.-])*[a-z][a-z0-9]*)(?::(?P<port>[1-9][0-9]{{0,4}}))?)"
    r"(?P<path>(?:/(?!\.)[A-Za-z0-9_~.-]*)+(?:\?[A-Za-z0-9_~./=&-]*)?)"
)
"""What means the same to everybody: nothing in it is escaped, in capitals, of another script, or left out."""

_LONGEST_PLAIN = 2048
_DEFAULT_PORTS = {"http": 80, "https": 443}


class UrlError(ValueError):
    """What is no URL; ``str()`` says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Url:
    """A URL, escaped as it is sent. ``port`` is ``None`` where it is the scheme's own; bytes are ASCII."""

    text: str
    scheme: str
    host: str
    raw_host: bytes
    """The host as it is looked up: one in another script as ``xn--``."""
    port: int | None
    netloc: bytes
    """Host and port."""
    raw_path: bytes
    """Path and query."""
    userinfo: bytes = b""
    username: str = ""
    password: str = ""
    fragment: str = ""

    def __str__(self) -> str:
        return self.text

    def with_params(self, params: Mapping[str, list[str]]) -> Url:
        """It with ``params`` in its query, in place of those of the same names."""
        return _told(self._whole().copy_merge_params(params))

    def joined(self, target: str) -> Url:
        """What ``target`` means on a page at this URL (RFC 3986, 5). Raises ``UrlError``."""
        invalid = load_httpx().InvalidURL
        try:
            joined = _told(self._whole().join(target))
        except (invalid, ValueError) as error:
            raise UrlError(str(error)) from error
        # A redirect keeps the fragment of the URL that it leads away from (RFC 9110, 10.2.2).
        if joined.fragment or not self.fragment or not joined.host:
            return joined
        return _told(load_httpx().URL(joined.text, fragment=self.fragment))

    def without_credentials(self) -> Url:
        """It without user, password and fragment: what a command line may show."""
        if not self.userinfo and not self.fragment:
            return self
        return _told(self._whole().copy_with(userinfo=b"", fragment=None))

    def _whole(self) -> httpx.URL:
        found: httpx.URL = load_httpx().URL(self.text)
        return found


def read_url(text: str) -> Url:
    """Read a URL as a person writes it. Raises ``UrlError``."""
    return _plain(text) or _any(text)


def _plain(text: str) -> Url | None:
    found = _PLAIN.fullmatch(text) if len(text) <= _LONGEST_PLAIN else None
    if found is None:
        return None
    port = int(found["port"]) if found["port"] else None
    if port == _DEFAULT_PORTS[found["scheme"]]:
        return None
    return Url(
        text=text,
        scheme=found["scheme"],
        host=found["host"],
        raw_host=found["host"].encode("ascii"),
        port=port,
        netloc=found["netloc"].encode("ascii"),
        raw_path=found["path"].encode("ascii"),
    )


def _any(text: str) -> Url:
    httpx = load_httpx()
    try:
        return _told(httpx.URL(text))
    except (httpx.InvalidURL, UnicodeError) as error:
        raise UrlError(str(error)) from error


def _told(url: httpx.URL) -> Url:
    return Url(
        text=str(url),
        scheme=url.scheme,
        host=url.host,
        raw_host=url.raw_host,
        port=url.port,
        netloc=url.netloc,
        raw_path=url.raw_path,
        userinfo=url.userinfo,
        username=url.username,
        password=url.password,
        fragment=url.fragment,
    )
