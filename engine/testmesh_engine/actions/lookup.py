"""The addresses of a host name, within a deadline."""

from __future__ import annotations

import ipaddress
import queue
import socket
import threading

from testmesh_engine.actions.waiting import Deadline, Interrupt

_GLANCE_SECONDS = 0.05
"""How often an interrupt is looked for while the name service is asked."""


def look_up(host: str, *, deadline: Deadline, interrupt: Interrupt) -> list[str]:
    """The IP addresses of ``host``, in the order in which they are to be tried; an address is itself.

    The system's name service can't be stopped, so it is asked in a thread that may be left behind. Raises ``OSError``
    where there is none, ``TimeRanOutError`` at the deadline, ``Interrupted`` at the interrupt.
    """
    if _is_address(host):
        return [host]
    answers: queue.SimpleQueue[list[str] | OSError] = queue.SimpleQueue()
    threading.Thread(target=lambda: answers.put(_ask(host)), daemon=True, name="lookup").start()
    while True:
        interrupt.check()
        deadline.check()
        try:
            answer = answers.get(timeout=min(_GLANCE_SECONDS, deadline.remaining()))
        except queue.Empty:
            continue
        if isinstance(answer, OSError):
            raise OSError(f"the host name {host} can't be resolved") from answer
        return answer


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _ask(host: str) -> list[str] | OSError:
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        return error if isinstance(error, OSError) else OSError(f"{host!r} is no host name")
    return list(dict.fromkeys(str(address[0]) for *_, address in found))
