"""The names that ``FAKER.`` knows: short ones of our own, and Faker's methods that need no argument.

They stand in tables, so that a flow is checked without importing Faker, which takes 300 ms.
"""

from __future__ import annotations

from collections.abc import Iterable

from testmesh_engine.language.faker_names import METHODS
from testmesh_engine.language.findings import did_you

ROOT = "FAKER"

SHORT: dict[str, str] = {
    "full_name": "name", "surname": "last_name", "title": "prefix",
    "phone": "phone_number", "mobile": "phone_number",
    "street": "street_address", "zip": "postcode",
    "company_name": "company", "job_title": "job", "profession": "job",
    "website": "url", "domain": "domain_name", "ip": "ipv4", "ip_address": "ipv4", "mac": "mac_address",
    "uuid": "uuid4", "number": "random_int", "integer": "random_int", "digit": "random_digit", "bool": "boolean",
    "birthday": "date_of_birth",
    "credit_card": "credit_card_number", "card_number": "credit_card_number", "cvv": "credit_card_security_code",
    "currency": "currency_code", "language": "language_name", "isbn": "isbn13",
}  # fmt: skip
"""Our own names, each with the method of Faker that it means; they come before Faker's own."""


def _plain(name: str) -> str:
    return name.replace("_", "").lower()


_BY_PLAIN_NAME = {_plain(name): method for name, method in (*((name, name) for name in METHODS), *SHORT.items())}


def names() -> Iterable[str]:
    """All names, as the reference spells them."""
    return {*METHODS, *SHORT}


def method_of(name: str) -> str | None:
    """The method of Faker that ``name`` means; neither case nor ``_`` counts: ``firstName`` is ``FIRST_NAME``."""
    return _BY_PLAIN_NAME.get(_plain(name))


def problem_of(key: str) -> tuple[str, str] | None:
    """What is wrong with ``FAKER.<key>`` and what to do; ``""`` is a key that is not written out."""
    if not key:
        return f"{ROOT} needs a name that is written out", f"Write for example {ROOT}.name or {ROOT}.email."
    if method_of(key) is None:
        hint = did_you(key.lower(), names()) or "The names are those of Faker's own methods that need no argument."
        return f"{ROOT} has no {key}", hint
    return None
