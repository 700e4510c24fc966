"""The declaration of ``grpc_call``: what it refuses before anything runs, and what it imports."""

from __future__ import annotations

import subprocess
import sys

import pytest

from testmesh_engine.actions.grpc_spec import SPEC, fault_of_address, fault_of_tls


@pytest.mark.parametrize("address", ["localhost:50051", "grpc://orders:1", "[::1]:50051", "10.0.0.1:443"])
def test_an_address_is_host_and_port(address: str) -> None:
    """Of whatever kind."""
    assert fault_of_address(address) == ""


@pytest.mark.parametrize("address", ["localhost", "http://localhost:50051", "https://a:1", "a:b", ":1", ""])
def test_an_address_of_another_form_is_refused(address: str) -> None:
    """With the form that is right."""
    assert "localhost:50051" in fault_of_address(address)


@pytest.mark.parametrize(("expected", "tls"), [("has no key ca", {"ca": "x"}), ("takes true, or a map", "yes")])
def test_tls_is_true_or_a_map_of_files(expected: str, tls: object) -> None:
    """A misspelled key would be a certificate that is never used."""
    assert expected in fault_of_tls(tls)


def test_the_declaration_imports_neither_grpc_nor_protobuf() -> None:
    """Validating a flow is to cost nothing."""
    code = (
        "import sys; from testmesh_engine.actions.registry import Registry; Registry().find('grpc');"
        "sys.exit('grpc' in sys.modules or 'google.protobuf' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_status_other_than_ok_is_no_success_for_a_step_that_asserts_nothing() -> None:
    """Such a step is tried again where it says so."""
    assert SPEC.unsuccessful is not None
    assert ("", "status is NOT_FOUND") == tuple(SPEC.unsuccessful({"status": name}) for name in ("OK", "NOT_FOUND"))
