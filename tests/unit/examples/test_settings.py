"""The demo services' settings: defaults that fit the seed, and no misspelt misbehaviour."""

from __future__ import annotations

import pytest

from services.settings import Settings, settings_from


def test_nothing_told_means_the_seeds_addresses() -> None:
    """A service needs no environment on a developer's machine."""
    assert Settings(name="user", port=5001) == settings_from({}, "user", port=5001)


def test_environment_beats_the_defaults() -> None:
    """Each field by its name in capitals; empty is as good as absent."""
    told = {"PORT": "6001", "HOST": "0.0.0.0", "DATABASE_URL": "postgresql://elsewhere", "KAFKA_BROKERS": ""}
    settings = settings_from(told, "user", port=5001)
    assert (6001, "0.0.0.0", "postgresql://elsewhere") == (settings.port, settings.host, settings.database_url)
    assert "localhost:9092" == settings.kafka_brokers


def test_misbehaviour_is_a_list() -> None:
    """Separated by commas, spaces aside."""
    told = {"MISBEHAVE": "slow, drop-event,", "MISBEHAVE_DELAY": "0.5"}
    settings = settings_from(told, "notification", port=5004, can_misbehave=frozenset({"drop-event"}))
    assert (frozenset({"slow", "drop-event"}), 0.5) == (settings.misbehave, settings.misbehave_delay)


def test_misbehaviour_that_the_service_does_not_know_is_refused() -> None:
    """Else it would behave, and the test that was to fail would pass for no good reason."""
    with pytest.raises(
        ValueError, match=r"MISBEHAVE: unknown here: drop-event; this service knows always-200, cut-off"
    ):
        settings_from({"MISBEHAVE": "drop-event"}, "user", port=5001)


def test_port_that_is_no_number_is_named() -> None:
    """As Kubernetes sets PORT-like variables for a Service of that name."""
    with pytest.raises(ValueError, match=r"PORT is a number, not 'tcp://10.96.0.1:80'"):
        settings_from({"PORT": "tcp://10.96.0.1:80"}, "user", port=5001)
