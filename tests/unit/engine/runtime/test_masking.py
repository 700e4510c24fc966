"""Secrets never leave: not as they are, not escaped, not in base64."""

from __future__ import annotations

import base64
import html
import json
import time
from urllib.parse import quote, urlencode

import pytest

from testmesh_engine.runtime.masking import Masker
from testmesh_engine.runtime.secret_text import is_secret_key, mask_source_line, mask_urls, secrets_of_line

SECRET = 'p@ss "wörd"/+&42'


@pytest.mark.parametrize(
    "text",
    [
        SECRET,
        f"before {SECRET} after",
        json.dumps({"a": SECRET}),
        json.dumps({"a": SECRET}, ensure_ascii=False),
        f"https://host/?q={quote(SECRET)}",
        f"https://host/?q={quote(SECRET, safe='')}",
        f"https://host/?q={quote(SECRET, safe='/&+@')}",
        f"https://host/?q={quote(SECRET).lower()}",
        urlencode({"q": SECRET}),
        html.escape(SECRET),
        *(base64.b64encode(b"x" * lead + SECRET.encode() + b"tail").decode() for lead in range(4)),
        *(base64.urlsafe_b64encode(b"x" * lead + SECRET.encode()).decode() for lead in range(3)),
    ],
)
def test_a_declared_secret_is_masked_in_every_form(text: str) -> None:
    """What is left holds none of its middle."""
    masked = Masker([SECRET]).text(text)
    assert "***" in masked
    for form in (SECRET, quote(SECRET), json.dumps(SECRET)[1:-1]):
        assert form not in masked
    assert _without_edges(SECRET) not in masked


def _without_edges(secret: str) -> str:
    return base64.b64encode(secret.encode()).decode()[4:-4]


def test_a_short_secret_is_masked_only_where_it_is_the_whole_value() -> None:
    """It would tear up all other text."""
    masker = Masker(["42"])
    assert "***" == masker.value("42")
    assert "***" == masker.value(42)
    assert "status 1424" == masker.text("status 1424")


def test_a_mask_never_tells_a_length() -> None:
    """One star for each character would."""
    assert Masker(["abcd"]).text("abcd") == Masker(["abcdefgh"]).text("abcdefgh")


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("postgresql://root:admin@localhost:5432/db", "postgresql://root:***@localhost:5432/db"),
        ("see https://a:b@h/x and redis://:pw@h", "see https://a:***@h/x and redis://:***@h"),
        ("http://localhost:8080/a@b", "http://localhost:8080/a@b"),
        ("postgresql://u:p@ss@host/db", "postgresql://u:***@host/db"),
        ("no url: a:b@c", "no url: a:b@c"),
    ],
)
def test_passwords_of_urls_are_masked_in_place(text: str, masked: str) -> None:
    """Wherever a URL stands, whatever its scheme."""
    assert masked == mask_urls(text)


@pytest.mark.parametrize(
    "key",
    [
        *("password", "DB_PASSWORD", "Authorization", "set-cookie", "cookies", "X-Api-Key", "client_secret"),
        *("accessToken", "bearer"),
    ],
)
def test_keys_that_hold_secrets(key: str) -> None:
    """By their last word."""
    assert is_secret_key(key)


@pytest.mark.parametrize("key", ["page_token", "nextToken", "passwords_sent", "tokens", "status", ""])
def test_keys_that_hold_none(key: str) -> None:
    """A paging token is what a test is about."""
    assert not is_secret_key(key)


def test_what_stands_under_a_secret_key_is_masked_whole() -> None:
    """Numbers and lists too; nothing and true are no secrets."""
    value = {"token": 123456, "user": {"password": "x"}, "cookie": ["a"], "secret": None, "api_key": ""}
    expected = {"token": "***", "user": {"password": "***"}, "cookie": "***", "secret": None, "api_key": ""}
    assert expected == Masker().value(value)


def test_a_long_value_met_under_a_secret_key_is_masked_elsewhere_too() -> None:
    """A login's token comes back in errors, URLs and logs."""
    masker = Masker()
    masker.learn({"body": {"access_token": "abcdefgh12345"}, "headers": {"Authorization": "Bearer zyxwvuts98765"}})
    assert "got *** with ***" == masker.text("got abcdefgh12345 with zyxwvuts98765")


def test_a_short_value_met_under_a_secret_key_is_not_masked_elsewhere() -> None:
    """``admin`` is a word of its own."""
    masker = Masker()
    masker.learn({"password": "admin"})
    assert "the admin page" == masker.text("the admin page")


def test_lines_of_a_flow_are_shown_without_their_secrets() -> None:
    """A problem's excerpt is a report as well; a placeholder is no secret."""
    assert 'url: "http://a:***@h"' == mask_source_line('url: "http://a:b@h"')
    assert "password: ***" == mask_source_line("password: hunter2")
    assert 'token: "${TOKEN}"' == mask_source_line('token: "${TOKEN}"')
    assert '- body.token == "x"' == mask_source_line('- body.token == "x"')


@pytest.mark.parametrize(
    ("line", "masked"),
    [
        ("auth: hunter2", "auth: ***"),
        ("auth: {bearer: hunter2}", "auth: {bearer: ***}"),
        ('password: "${PW:hunter2}"', 'password: "***"'),
        ("password: ${PW}", "password: ${PW}"),
        ("password: *hunter2", "password: ***"),
        ("Authorization: Bearer hunter2", "Authorization: ***"),
        ('headers: "Authorization Bearer hunter2"', 'headers: "Authorization ***'),
        ("password: a,b;c&d}e'f\"g two words  # why", "password: ***  # why"),
        ("{password: a b, user: c}", "{password: ***, user: c}"),
        ('{"password": "a, b", "user": "c"}', '{"password": "***", "user": "c"}'),
        ('password: "not closed', 'password: "***'),
        ("url: http://h/?token=abc&n=1", "url: http://h/?token=***&n=1"),
        ("--var API_TOKEN=…", "--var API_TOKEN=…"),
        ("page_token: abc", "page_token: abc"),
    ],
)
def test_what_a_line_says_of_a_secret_key_is_masked(line: str, masked: str) -> None:
    """Also the default of a placeholder, and an alias that was meant as text."""
    assert masked == mask_source_line(line)


def test_the_secrets_of_a_line_are_told_without_quotes_and_indicators() -> None:
    """Messages and hints quote them in other ways than the line itself."""
    assert {"hunter2"} == secrets_of_line("password: *hunter2")
    assert {"b c", "pw"} == secrets_of_line("{token: 'b c', url: 'http://a:pw@h'}")
    assert not secrets_of_line('token: "${TOKEN}"')


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("http://h/x?api_key=abc&n=1", "http://h/x?api_key=***&n=1"),
        ("/x?n=1&access-token=a%20c", "/x?n=1&access-token=***"),
        ("password=abc&user=u", "password=***&user=u"),
        ('{"password":"abc","n":1}', '{"password":"***","n":1}'),
        (r'{"password": "a\"b", "n": 1}', '{"password": "***", "n": 1}'),
        (r'text "{\"password\": \"abc\"}"', r'text "{\"password\": \"***\"}"'),
        ('{"pin_secret": 1234, "n": 1}', '{"pin_secret": "***", "n": 1}'),
        ('{"token": null, "n": 1}', '{"token": null, "n": 1}'),
        ('body.token=="abc"', 'body.token=="abc"'),
        ("WHERE password=$1 AND token=:t", "WHERE password=$1 AND token=:t"),
        ("next_token=abc", "next_token=abc"),
        ("invalid token: expired", "invalid token: expired"),
    ],
)
def test_pairs_with_a_secret_key_are_masked_within_text(text: str, masked: str) -> None:
    """In query strings, forms and JSON; comparisons, parameters and prose stay readable."""
    assert masked == Masker().text(text)


@pytest.mark.parametrize(
    ("met", "text"),
    [
        ({"cookies": {"session": "abcdefgh1"}}, "is abcdefgh1"),
        ({"set-cookie": "a=abcdefgh1; Path=/; Domain=h, b=x; Expires=Wed, 21 Oct 2026"}, "is abcdefgh1"),
        ({"Cookie": 'x=y; session="abcdefgh1"'}, "is abcdefgh1"),
        ({"secret": 12345678}, "is 12345678"),
        ({"secret": {"of": ["abcdefgh1"]}}, "is abcdefgh1"),
        ({"body": '{"password":"abcdefgh1"}'}, "is abcdefgh1"),
        ({"url": "http://h/?api_key=abc%20efgh1"}, "is abc efgh1"),
        ({"Authorization": "Bearer abcdefgh1"}, "is abcdefgh1"),
    ],
)
def test_a_secret_that_was_met_is_masked_elsewhere(met: object, text: str) -> None:
    """Each cookie's value, numbers, whatever lies below a secret key, and pairs within text."""
    masker = Masker()
    masker.learn(met)
    assert "is ***" == masker.text(text)


def test_a_cookies_attributes_are_no_secrets() -> None:
    """A domain or a path must stay readable."""
    masker = Masker()
    masker.learn({"set-cookie": "a=abcdefgh1; Domain=example.org; Path=/dashboard"})
    assert "http://example.org/dashboard" == masker.text("http://example.org/dashboard")


def test_a_secret_with_a_line_end_is_masked_without_it_too() -> None:
    """Files that are mounted or piped end in one; a header built of the value does not."""
    assert "is ***." == Masker(["abcdefgh\n"]).text("is abcdefgh.")


def test_long_texts_are_masked_in_linear_time() -> None:
    """A body may be one word of megabytes."""
    started = time.monotonic()
    Masker().text("a=" + "token" * 200_000)
    mask_source_line("b: " + "x_" * 500_000)
    assert time.monotonic() - started < 5
