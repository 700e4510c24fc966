"""Ports: one that is taken is refused with the name of who has it."""

from __future__ import annotations

import os
import socket

import pytest

from support.errors import SetupError
from support.ports import HOST, free_port, holder_of, require_free


def test_taken_port_is_refused_with_its_holder() -> None:
    """The message has the port, what it is for, the process, and what to do."""
    with socket.create_server((HOST, 0)) as listener:
        port = listener.getsockname()[1]
        with pytest.raises(SetupError, match=rf"port {port}, for kafka, is taken by \S+ \(pid {os.getpid()}\); stop"):
            require_free(port, wanted_by="kafka")


def test_port_taken_on_all_addresses_is_taken_on_loopback() -> None:
    """As a server started by hand often is."""
    with socket.create_server(("0.0.0.0", 0)) as listener, pytest.raises(SetupError):
        require_free(listener.getsockname()[1], wanted_by="kafka")


def test_free_port_is_free() -> None:
    """Nobody holds it."""
    port = free_port()
    require_free(port, wanted_by="kafka")
    assert holder_of(port) is None


def test_connection_that_lingers_takes_no_port() -> None:
    """The stack can be started again at once after it was stopped."""
    with socket.create_server((HOST, 0)) as listener:
        port = listener.getsockname()[1]
        with socket.create_connection((HOST, port)), listener.accept()[0]:
            pass
    require_free(port, wanted_by="kafka")
