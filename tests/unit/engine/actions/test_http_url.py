"""URLs: what is read at once means what httpx says it does."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import fields

import httpx
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from testmesh_engine.actions.http_url import Url, UrlError, read_url

HOSTS = st.one_of(
    st.from_regex(r"[a-z0-9.-]{1,12}", fullmatch=True),
    st.sampled_from(
        ["localhost", "shop.default.svc", "127.0.0.1", "256.1.1.1", "1.2.3", "xn--bcher-kva.de", "A.b", "ä.de"]
    ),
)
PORTS = st.one_of(
    st.just(""), st.integers(0, 70000).map(lambda port: f":{port}"), st.sampled_from([":80", ":443", ":"])
)
PATHS = st.lists(
    st.sampled_from(["/", "a", "B9", ".", "..", "~", "-", "_", "%20", " ", "ö", "?", "=", "&", "#", ":", "@"])
)
URLS = st.builds(
    lambda scheme, host, port, path: f"{scheme}://{host}{port}/{''.join(path)}",
    st.sampled_from(["http", "https"]),
    HOSTS,
    PORTS,
    PATHS,
)


def theirs(text: str) -> dict[str, object] | str:
    """What httpx reads, or why it reads nothing."""
    try:
        url = httpx.URL(text)
        read = {field.name: getattr(url, field.name) for field in fields(Url) if field.name != "text"}
    except (httpx.InvalidURL, UnicodeError) as error:
        return str(error)
    return {**read, "text": str(url)}


def ours(text: str) -> dict[str, object] | str:
    """The same of ours."""
    try:
        url = read_url(text)
    except UrlError as error:
        return str(error)
    return {field.name: getattr(url, field.name) for field in fields(Url)}


@given(URLS)
@example("http://127.0.0.1:5003/api/v1/orders/7?page=2&size=10")
@example("http://shop-1.default.svc:8080/")
@example("http://a:80/")
@example("http://a:65535/")
@example("http://a:65536/")
@example("http://a//b/./c/../d")
@example("http://a")
@example("http://a/?")
@example("http://joe:p%40ss@a/b#c")
def test_a_url_means_what_httpx_says(text: str) -> None:
    """Plain or not, part by part; what it refuses is refused for its reason."""
    assert theirs(text) == ours(text)


def test_a_plain_url_takes_no_library() -> None:
    """Such as the URLs of services in a cluster."""
    urls = [
        "http://127.0.0.1:5003/orders/7?a=b",
        "https://shop.default.svc.cluster.local/v1/a_b-c~d.json",
        "http://shop/",
    ]
    code = (
        "import sys; from testmesh_engine.actions.http_url import read_url\n"
        f"for url in {urls}: assert str(read_url(url).without_credentials()) == url\n"
        "sys.exit('httpx' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(
    ("base", "target", "expected"),
    [
        ("http://a/b/c?d=e", "f", "http://a/b/f"),
        ("http://a/b", "//x/y", "http://x/y"),
        ("http://a/b", "https://x:444/", "https://x:444/"),
        ("http://a/b#here", "/c", "http://a/c#here"),
        ("http://a/b#here", "/c#there", "http://a/c#there"),
        ("http://a/b", "/ä ö", "http://a/%C3%A4%20%C3%B6"),
    ],
)
def test_a_target_is_joined_with_where_it_stands(base: str, target: str, expected: str) -> None:
    """As a browser does, the fragment included."""
    assert expected == str(read_url(base).joined(target))


def test_a_target_that_is_no_url_is_refused() -> None:
    """With httpx's reason."""
    with pytest.raises(UrlError, match="port"):
        read_url("http://a/").joined("http://b:x/")


def test_parameters_take_the_place_of_those_with_their_names() -> None:
    """The others stay."""
    assert "http://a/?x=1&y=2&y=3" == str(read_url("http://a/?x=1&y=9").with_params({"y": ["2", "3"]}))


def test_credentials_and_fragment_can_be_left_out() -> None:
    """For a command line."""
    assert "http://a:81/b?c=d" == str(read_url("http://joe:secret@a:81/b?c=d#e").without_credentials())
