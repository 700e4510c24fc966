"""Nodes on one machine never share an address."""

from ipaddress import IPv4Network
from itertools import combinations

from cluster.node.addresses import MAX_NODES, Addresses, free_index


def test_no_two_nodes_share_a_network() -> None:
    """Every network of every index is apart from those of all others."""
    networks = [network for index in range(MAX_NODES) for network in Addresses(index).networks]
    assert [] == [(one, other) for one, other in combinations(networks, 2) if one.overlaps(other)]


def test_the_first_node_has_the_customary_addresses() -> None:
    """The API server is 10.96.0.1 and DNS 10.96.0.10, as in most clusters."""
    first = Addresses(0)
    assert ("10.96.0.1", "10.96.0.10") == (str(first.api_service), str(first.dns_service))


def test_a_node_takes_the_smallest_index_that_no_other_has() -> None:
    """Indexes of nodes that went are used again."""
    assert free_index([0, 2], []) == 1


def test_a_network_that_the_host_routes_elsewhere_is_avoided() -> None:
    """A route of the host's own, such as a VPN's, is never taken over."""
    assert free_index([], [IPv4Network("10.96.4.0/24")]) == 1


def test_without_a_free_network_there_is_no_index() -> None:
    """A host that routes all of 10.0.0.0/8 leaves no room."""
    assert free_index([], [IPv4Network("10.0.0.0/8")]) is None
