"""The words of MISBEHAVE: what each service can be told to do wrong. README.md says what they do and what notices."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from services.settings import EVERY_SERVICE_CAN

PUBLISH_NOTHING = "publish-nothing"
DUPLICATE_EVENT = "duplicate-event"
RENAMED_FIELD = "renamed-field"
WRONG_USER = "wrong-user"
LOST_TRACE = "lost-trace"
_PUBLISHERS_CAN = frozenset({PUBLISH_NOTHING, DUPLICATE_EVENT, RENAMED_FIELD, WRONG_USER, LOST_TRACE})

NOT_STORED = "not-stored"
STALE_READ = "stale-read"

NO_DECREMENT = "no-decrement"
TAKE_ONE = "take-one"
OVERSELL = "oversell"

WRONG_TOTAL = "wrong-total"
STORED_TOTAL = "stored-total"
TOTAL_AS_TEXT = "total-as-text"
NO_USER_CHECK = "no-user-check"

DROP_EVENT = "drop-event"
REPEAT_EVENT = "repeat-event"
WRONG_RECIPIENT = "wrong-recipient"

CAN: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "user": EVERY_SERVICE_CAN | _PUBLISHERS_CAN | {NOT_STORED},
        "product": EVERY_SERVICE_CAN | {NOT_STORED, STALE_READ, NO_DECREMENT, TAKE_ONE, OVERSELL},
        "order": EVERY_SERVICE_CAN
        | _PUBLISHERS_CAN
        | {NOT_STORED, WRONG_TOTAL, STORED_TOTAL, TOTAL_AS_TEXT, NO_USER_CHECK},
        "notification": EVERY_SERVICE_CAN | {STALE_READ, DROP_EVENT, REPEAT_EVENT, WRONG_RECIPIENT},
    }
)
"""By service. Each word has happened to some service somewhere."""
