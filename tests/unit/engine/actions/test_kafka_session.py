"""What the Kafka steps of a flow share, where there is no broker."""

from __future__ import annotations

import pytest

from support.ports import free_port
from testmesh_engine.actions.kafka_client import Bounds
from testmesh_engine.actions.kafka_security import Access
from testmesh_engine.actions.kafka_session import Session
from testmesh_engine.actions.waiting import Deadline, Interrupt
from testmesh_engine.errors import PlatformError


def test_brokers_that_cant_be_reached_are_told_with_what_ran_out() -> None:
    """The author sees whether more time would help."""
    session = Session(Access(f"localhost:{free_port()}"))
    interrupt = Interrupt()
    try:
        with pytest.raises(PlatformError, match=r"; gave up after the time to connect of 300ms$"):
            session.mark(["orders"], Bounds(Deadline.after(0.3, "the time to connect"), interrupt))
    finally:
        session.close()
        interrupt.close()
