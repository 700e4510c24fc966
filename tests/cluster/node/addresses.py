"""Which addresses and device names a node uses: derived from its index, so that several nodes never meet."""

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network

MAX_NODES = 16


@dataclass(frozen=True, slots=True)
class Addresses:
    """The network of the node with this index, 0 to 15."""

    index: int

    @property
    def link(self) -> IPv4Network:
        """The /30 of the veth pair between the host and the node."""
        return IPv4Network(f"10.123.{self.index}.0/30")

    @property
    def host(self) -> IPv4Address:
        """The host's end of the pair."""
        return self.link[1]

    @property
    def node(self) -> IPv4Address:
        """The node's end of the pair: the address of the API server and the kubelet."""
        return self.link[2]

    @property
    def pods(self) -> IPv4Network:
        """One address for each pod."""
        return IPv4Network(f"10.244.{self.index}.0/24")

    @property
    def services(self) -> IPv4Network:
        """Virtual addresses of Services; the first one is the API server's."""
        return IPv4Network(f"10.{96 + self.index}.0.0/16")

    @property
    def api_service(self) -> IPv4Address:
        """The Service `kubernetes`: by rule the first of the range."""
        return self.services[1]

    @property
    def dns_service(self) -> IPv4Address:
        """The Service `kube-dns`: by custom the tenth of the range."""
        return self.services[10]

    @property
    def host_device(self) -> str:
        """The pair's end on the host (at most 15 characters)."""
        return f"tm{self.index}-host"

    @property
    def node_device(self) -> str:
        """The pair's end inside the node's network namespace."""
        return f"tm{self.index}-node"

    @property
    def networks(self) -> tuple[IPv4Network, ...]:
        """All that the host reaches through the pair."""
        return (self.link, self.pods, self.services)


def free_index(taken: Iterable[int], routes: Iterable[IPv4Network]) -> int | None:
    """The smallest index that no other node has and whose networks the host does not route elsewhere.

    Args:
        taken: indexes of other nodes on this machine.
        routes: what the host's routing table names, without its default route.
    """
    used, known = set(taken), list(routes)
    for index in range(MAX_NODES):
        ours = Addresses(index).networks
        if index not in used and not any(net.overlaps(route) for net in ours for route in known):
            return index
    return None
