"""The node's network namespace, its link to the host, and the host's routes to Services and pods."""

import json
from ipaddress import IPv4Network
from pathlib import Path

from cluster.node import shell
from cluster.node.addresses import Addresses


def netns(name: str) -> Path:
    """Where the namespace of a node with this name is mounted."""
    return Path(f"/run/netns/testmesh-{name}")


def create(name: str, addresses: Addresses) -> None:
    """Make the namespace and join it to the host. It gets no default route: nothing leaves the machine."""
    space = netns(name)
    ours, theirs = addresses.host_device, addresses.node_device
    shell.output(["ip", "netns", "add", space.name])
    shell.output(["ip", "link", "add", ours, "type", "veth", "peer", "name", theirs, "netns", space.name])
    prefix = addresses.link.prefixlen
    for words in (
        ["link", "set", "lo", "up"],
        ["address", "add", f"{addresses.node}/{prefix}", "dev", theirs],
        ["link", "set", theirs, "up"],
    ):
        _inside(space, "ip", *words)
    _inside(space, "sysctl", "-qw", "net.ipv4.ip_forward=1")
    # The host may call pods; pods may not call what listens on the host.
    outwards = ["FORWARD", "--source", str(addresses.pods), "--out-interface", theirs]
    _inside(space, "iptables", "-w", "-A", *outwards, "-m", "conntrack", "--ctstate", "NEW", "-j", "REJECT")
    shell.output(["ip", "address", "add", f"{addresses.host}/{prefix}", "dev", ours])
    shell.output(["ip", "link", "set", ours, "up"])
    for network in (addresses.pods, addresses.services):
        shell.output(["ip", "route", "add", str(network), "via", str(addresses.node), "dev", ours])


def remove(name: str, addresses: Addresses) -> None:
    """Remove the namespace and the link, as far as they are there. Routes and iptables go with them."""
    if shell.succeeds(["ip", "link", "show", addresses.host_device]):
        shell.output(["ip", "link", "delete", addresses.host_device])
    if netns(name).exists():
        shell.output(["ip", "netns", "delete", netns(name).name])


def routes() -> list[IPv4Network]:
    """What the host's routing table names, without its default route."""
    told = json.loads(shell.output(["ip", "-json", "-4", "route", "show", "table", "all"]))
    names = (route["dst"] for route in told if route.get("type", "unicast") == "unicast")
    return [IPv4Network(name) for name in names if name != "default"]


def _inside(space: Path, *words: str) -> None:
    shell.output(["nsenter", f"--net={space}", *words])
