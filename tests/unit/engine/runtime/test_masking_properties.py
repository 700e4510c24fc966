"""What holds of masking whatever the secret, the text around it and the way in which it is written there."""

from __future__ import annotations

import json
import string

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from support.secret_writers import CODING, ESCAPING, Write
from testmesh_engine.contract.result import Json
from testmesh_engine.runtime.masking import Masker
from testmesh_engine.runtime.secret_text import is_secret_key

_CHARACTERS = st.one_of(
    st.sampled_from("aZ09 %+&=\"'\\/<>{}[]:;,.@#?$-_~^|`\t\nöß€😀"),
    st.characters(exclude_categories=["Cs"], exclude_characters="*…"),
)
SECRETS = st.text(_CHARACTERS, min_size=4, max_size=24).filter(lambda text: len(text.strip()) >= 4)
AROUND = st.text(_CHARACTERS, max_size=12)


@settings(max_examples=400, deadline=None)
@given(secret=SECRETS, before=AROUND, after=AROUND, write=st.sampled_from([*ESCAPING, *CODING]))
def test_no_secret_is_left_in_any_form(secret: str, before: str, after: str, write: Write) -> None:
    """Whatever stands around it, and however it is escaped there."""
    written = write(secret)
    # An escape that begins in the text before it would be another text.
    found = Masker([secret]).text(f"{before} {written} {after}")
    assert "***" in found
    assert written not in found
    assert secret not in found


@settings(max_examples=200, deadline=None)
@given(secrets=st.lists(SECRETS, min_size=1, max_size=4), text=st.text(_CHARACTERS, max_size=60))
def test_masking_what_is_masked_changes_nothing(secrets: list[str], text: str) -> None:
    """A text passes by more than one guard."""
    masker = Masker(secrets)
    once = masker.text("".join(part + secret for part, secret in zip(text, [*secrets, ""], strict=False)) + text)
    assert once == masker.text(once)


@settings(max_examples=200, deadline=None)
@given(text=st.text(string.ascii_lowercase + " .,", max_size=80))
def test_text_without_secrets_stays_as_it_is(text: str) -> None:
    """A report that hides what is no secret helps nobody."""
    assume(not any(word in text for word in ("bearer", "://")))
    assert text == Masker(["S3cr3t-0f-capitals-and-d1g1ts"]).text(text)


KEYS = AROUND.filter(lambda key: not is_secret_key(key))
JSON_VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), AROUND),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(KEYS, inner, max_size=4)),
    max_leaves=12,
)


@settings(max_examples=200, deadline=None)
@given(value=JSON_VALUES, secret=SECRETS)
def test_masked_values_hold_no_secret_and_lose_nothing_else(value: Json, secret: str) -> None:
    """Keys and text at any depth; as many entries and items as before."""
    masker = Masker([secret])
    holder = {"found": [value, {secret: 1, f"x{secret}y": f"<{secret}>"}], "text": json.dumps({"of": secret})}
    masked = masker.value(holder)
    assert masked == masker.value(masked)
    assert isinstance(masked, dict)
    assert secret not in _all_text(masked)
    assert _size(holder) == _size(masked)


@settings(max_examples=300, deadline=None)
@given(
    secret=st.text(st.characters(exclude_categories=["Cs"], exclude_characters='{}[],:"*…0123456789'), min_size=6),
    before=AROUND,
    after=AROUND,
    ascii_only=st.booleans(),
)
def test_json_within_text_stays_json(secret: str, before: str, after: str, *, ascii_only: bool) -> None:
    """No half of an escape is left, and no quote is lost."""
    assume(len(secret.strip()) >= 6)
    text = json.dumps({"a": f"{before}{secret}{after}", "b": [secret, 1]}, ensure_ascii=ascii_only)
    masked = Masker([secret]).text(text)
    assert isinstance(json.loads(masked), dict)


@settings(max_examples=300, deadline=None)
@given(
    secret=st.text(_CHARACTERS, min_size=12, max_size=40), kept=st.integers(4, 11), mark=st.sampled_from(["…", "..."])
)
def test_a_secret_that_was_cut_does_not_show_its_head_or_tail(secret: str, kept: int, mark: str) -> None:
    """What others have cut can't be found whole."""
    assume(len(secret.strip()) == len(secret))
    masker = Masker([secret])
    assert secret[:kept] not in masker.text(f"it is <{secret[:kept]}{mark}").removeprefix("it is <")
    assert secret[-kept:] not in masker.text(f"{mark}{secret[-kept:]}> it is").removesuffix("> it is")


def _all_text(value: Json) -> str:
    if isinstance(value, dict):
        return "\0".join(f"{key}\0{_all_text(item)}" for key, item in value.items())
    if isinstance(value, list):
        return "\0".join(map(_all_text, value))
    return value if isinstance(value, str) else ""


def _size(value: Json) -> int:
    if isinstance(value, dict):
        return 1 + sum(map(_size, value.values()))
    return 1 + sum(map(_size, value)) if isinstance(value, list) else 1
