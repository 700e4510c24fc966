"""The operator's settings."""

from __future__ import annotations

import pytest

from testmesh_operator.errors import SettingsError
from testmesh_operator.settings import VERSION, from_environment


def test_empty_environment_gives_the_defaults() -> None:
    """The runner's image is that of this very release."""
    assert f"testmesh/engine:{VERSION}" == from_environment({}).runner_image


def test_environment_is_read() -> None:
    """As the chart writes it."""
    settings = from_environment(
        {
            "TESTMESH_NAMESPACES": "shop, bank,",
            "TESTMESH_RUNNER_RESOURCES": '{"limits": {"memory": "1Gi"}}',
            "TESTMESH_HTTP_PORT": "9090",
            "TESTMESH_LOG_LEVEL": "debug",
        }
    )
    assert (("shop", "bank"), 9090, "DEBUG") == (settings.namespaces, settings.http_port, settings.log_level)
    assert {"limits": {"memory": "1Gi"}} == settings.runner_resources


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TESTMESH_RUNNER_RESOURCES", "{"),
        ("TESTMESH_RUNNER_RESOURCES", '{"memory": "1Gi"}'),
        ("TESTMESH_HTTP_PORT", "metrics"),
        ("TESTMESH_LOG_LEVEL", "LOUD"),
    ],
)
def test_nonsense_is_refused_by_the_name_of_its_variable(name: str, value: str) -> None:
    """Before anything is started."""
    with pytest.raises(SettingsError, match=name):
        from_environment({name: value})
