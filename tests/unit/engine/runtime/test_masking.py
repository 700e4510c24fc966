"""Secrets never leave: not as they are, not escaped, not in base64."""

from __future__ import annotations

import base64
import html
import json
import threading
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


@pytest.mark.parametrize(
    ("secret", "text", "masked"),
    [
        ("-----BEGIN K-----\nMIIEvQIBADAN\nBgkqhkiG9w0B\n-----END K-----", "is MIIEvQIBADAN here", "is *** here"),
        ("https://hooks.example.com/T0P1?x=S3CR3TS3CR3T", "at hooks.example.com: x", "at ***: x"),
        ("https://hooks.example.com/T0P1?x=S3CR3TS3CR3T", "https://other.example.org", "https://other.example.org"),
        ("wördpass", "w\u00f6rdpass wo\u0308rdpass w\u00c3\u00b6rdpass", "*** *** ***"),
        ("wördpass", "w%F6rdpass W\u00d6RDPASS", "*** ***"),
        ('it\'s a "secret"', "one 'it''s a \"secret\"' x", "one '***' x"),
        ('it\'s a "secret"', 'one "it\'s a ""secret"" x"', 'one "*** x"'),
        ("a%41%22b", "/a%41%22b /aA%22b", "/*** /***"),
        ("caf\u00e9-key", r"b'caf\xc3\xa9-key' caf\303\251-key", "b'***' ***"),
        ("long-enough-secret-of-mine", "is long-enough-secret and more", "is *** and more"),
        ("long-enough-secret-of-mine", "ends gh-secret-of-mine)", "ends ***)"),
        ("password123", "the password is wrong", "the password is wrong"),
        ("12345", '{"a": 99}', '{"a": 99}'),
    ],
)
def test_a_secret_is_known_in_parts_and_in_other_letters(secret: str, text: str, masked: str) -> None:
    """A line of a key, a URL's host, capitals, other bytes for what is no ASCII, a head that somebody has cut off."""
    assert masked == Masker([secret]).text(text)


def test_an_escape_is_never_cut_in_two() -> None:
    """Text that was JSON would be none any more."""
    masked = Masker(["0026b"]).text(r'{"a": "x\u0026b"}')
    assert r'{"a": "x***"}' == masked


def test_what_masks_bring_together_is_looked_at_again() -> None:
    """A secret may hold three stars."""
    assert "***" == Masker(["WXYZ12", "ab***cd"]).text("abWXYZ12cd")


def test_keys_that_look_the_same_then_are_all_kept() -> None:
    """An entry that vanishes would change what the report says."""
    masked = Masker(["abcdefgh", "ijklmnop"]).value({"abcdefgh": 1, "ijklmnop": 2, "x": 3})
    assert {"***": 1, "*** (2)": 2, "x": 3} == masked


def test_a_value_beside_the_name_of_a_secret_is_masked() -> None:
    """Lists of headers and of variables are written so."""
    listed = [
        {"name": "DB_PASSWORD", "value": "hunter2"},
        {"key": "x-api-key", "value": "k"},
        {"name": "a", "value": 1},
    ]
    expected = [
        {"name": "DB_PASSWORD", "value": "***"},
        {"key": "x-api-key", "value": "***"},
        {"name": "a", "value": 1},
    ]
    masker = Masker()
    masker.learn([{"name": "DB_PASSWORD", "value": "hunter2hunter2"}])
    assert expected == masker.value(listed)
    assert "DB_PASSWORD is ***" == masker.text("DB_PASSWORD is hunter2hunter2")


def test_a_declared_name_hides_its_values_from_four_characters_on() -> None:
    """Its own words need not say that it is a secret."""
    masker = Masker(names=["LICENSE"])
    masker.learn_variables({"LICENSE": "ab12", "PIN": "4711", "list": {"LICENSE": ["cd34", 56789]}})
    assert masker.is_secret_name("LICENSE")
    assert "is *** *** *** 4711" == masker.text("is ab12 cd34 56789 4711")
    assert {"LICENSE": "***"} == masker.value({"LICENSE": 7})


def test_a_variable_that_holds_a_secret_hides_its_name() -> None:
    """A slice of it is a part of the secret."""
    masker = Masker(["abcdefghijkl"])
    masker.learn_variables(
        {"copy": "abcdefghijkl", "header": "Bearer abcdefghijkl", "url": "http://host/abcdefghijkl/of"}
    )
    assert masker.is_secret_name("copy")
    assert masker.is_secret_name("header")
    assert not masker.is_secret_name("url")


def test_a_number_that_is_a_secret_is_masked_wherever_it_stands() -> None:
    """As text and as a number."""
    masker = Masker(["471147"])
    assert {"a": "***", "b": ["***", 47]} == masker.value({"a": 471147, "b": [471147, 47]})


def test_the_password_of_basic_authentication_is_learnt() -> None:
    """A service may quote it without its base64."""
    masker = Masker()
    masker.learn({"Authorization": "Basic " + base64.b64encode(b"user:hunter2hunter2").decode()})
    assert "no *** for user" == masker.text("no hunter2hunter2 for user")


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("Authorization: Bearer abc.def, x", "Authorization: Bearer ***, x"),
        ("sent Bearer abcdefgh.12345678 to it", "sent Bearer *** to it"),
        ("Bearer authentication is required here", "Bearer authentication is required here"),
        ("Set-Cookie: a=b; Path=/\nnext", "Set-Cookie: ***\nnext"),
        ("host=h password='a b' user=u", "host=h password='***' user=u"),
        ("SET password = 'abc' WHERE", "SET password = '***' WHERE"),
        ("{'api_key': \"it's\"}", "{'api_key': \"***\"}"),
        (r'"{\"token\": \"a\\\"b\", \"n\": 1}"', r'"{\"token\": \"***\", \"n\": 1}"'),
        ("postgres://u:p/w@host/db", "postgres://u:***@host/db"),
        ('body.token == "${TOKEN}"', 'body.token == "${TOKEN}"'),
        ('token: "${TOKEN}"', 'token: "${TOKEN}"'),
    ],
)
def test_more_pairs_within_text(text: str, masked: str) -> None:
    """Headers, SQL, Python, and what is escaped twice."""
    assert masked == Masker().text(text)


def test_many_threads_may_learn_and_mask() -> None:
    """Steps of one flow may run at once."""
    masker = Masker()
    failed: list[str] = []

    def work(number: int) -> None:
        for turn in range(30):
            secret = f"secret-{number}-{turn}"
            masker.learn({"token": secret})
            if secret in masker.text(f"is {secret} here"):
                failed.append(secret)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed


def test_what_was_masked_is_looked_through_again_once_more_is_known() -> None:
    """And not before: the same value comes back."""
    masker = Masker(["first-secret"])
    shown = masker.shows(masker.value({"a": ["first-secret second-secret"]}))
    assert shown is masker.once_more(shown)
    masker.add("second-secret")
    assert {"a": ["*** ***"]} == masker.once_more(shown)
    assert {"a": "***"} == masker.once_more({"a": "second-secret"})
