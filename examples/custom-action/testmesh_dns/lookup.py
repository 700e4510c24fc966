"""``dns_lookup``: the addresses of a host name, as this machine's name service gives them."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping

from testmesh_engine.actions.base import Context, Result
from testmesh_engine.actions.config import Config
from testmesh_engine.actions.lookup import look_up
from testmesh_engine.actions.waiting import TimeRanOutError
from testmesh_engine.contract.catalogue import ActionSpec, Key, Kind
from testmesh_engine.errors import ServiceError
from testmesh_engine.expressions import Value

FAMILIES = {"IPV4": 4, "IPV6": 6}


class DnsLookup:
    """Looks up one name. ``spec`` is all that validation, the schema and ``testmesh actions`` know of it."""

    spec = ActionSpec(
        name="dns_lookup",
        doc="Looks up the addresses of a host name.",
        example="- action: dns_lookup\n  config: {host: localhost}\n  assert: [count > 0]\n",
        keys=(
            Key(name="host", kind=Kind.TEXT, required=True, doc="the name"),
            Key(name="family", kind=Kind.TEXT, doc="only addresses of this kind", choices=tuple(FAMILIES)),
            Key(name="timeout", kind=Kind.DURATION, doc="bounds the lookup", default="30s"),
        ),
        results={
            "addresses": "the addresses, in the order in which they are to be tried",
            "count": "how many there are",
        },
    )

    def run(self, config: Mapping[str, Value], context: Context) -> Result:
        """Look it up once: within the deadline, and ended by an interrupt. What failed is a ``ServiceError``."""
        settings = Config(self.spec, config)
        host, family = settings.text("host"), settings.text("family").upper()
        context.request = {"host": host}  # noted before the waiting: a failure shows it
        try:
            found = look_up(host, deadline=context.deadline, interrupt=context.interrupt)
        except TimeRanOutError as error:
            raise ServiceError(f"{host} was not resolved within {error}", kind="timeout") from error
        except OSError as error:
            raise ServiceError(str(error), kind="connection_error") from error
        addresses: list[Value] = [
            address for address in found if not family or ipaddress.ip_address(address).version == FAMILIES[family]
        ]
        return {"addresses": addresses, "count": len(addresses)}
