"""Real Kubernetes run by hand on this machine, as root, in a network namespace of its own."""

import os
import shutil
import sys
import time
import urllib.request
from contextlib import suppress
from dataclasses import dataclass

from cluster.node import cgroups, claim, config, daemons, leftovers, network, packages, pause, pki, processes, programs
from cluster.node.addresses import Addresses
from cluster.node.api import Api
from cluster.node.claim import Claim
from cluster.node.containerd import Containerd
from cluster.node.errors import NodeError
from cluster.node.paths import Paths
from cluster.node.programs import Programs
from cluster.node.progress import Progress
from cluster.node.settings import Settings

COLD_GIB = 10  # sources, Go's build cache, programs, images
WARM_GIB = 2
_GIB = 1 << 30
BUSY_SECONDS = 30.0
_NOT_READY = "its API server or kubelet is not ready"


@dataclass(frozen=True, slots=True)
class LocalNode:
    """One node, up or not."""

    settings: Settings
    progress: Progress

    @property
    def paths(self) -> Paths:
        """Its files."""
        return Paths(self.settings.state)

    @property
    def containerd(self) -> Containerd:
        """Its containerd."""
        return Containerd(self.paths.socket, self.settings.cache / "containerd" / self.settings.name)

    def up(self) -> bool:
        """Bring it up; False where it is up already. Whatever an interrupted start or a crash has left goes first.

        Raises:
            NodeError: why it cannot be, with the log of the daemon at fault.
        """
        ailing = self._lasting_ailments()
        if not ailing:
            return False
        if self.paths.ready.exists():
            self.progress.say(f"the node is not healthy ({ailing[0]}): starting a new one")
        if leftovers.clean(self.settings):
            self.progress.say("removed what an earlier node has left")
        _check_neighbour()
        _check_disk(self.settings)
        packages.install(packages.NODE, self.progress)
        binaries = programs.ensure(self.settings.cache, self.progress)
        with self.progress.stage("starting the node: Kubernetes for tests, not for work that must last"):
            self._start(claim.take(self.settings), binaries)
        return True

    def down(self) -> bool:
        """Take it down and remove all but the caches; whether there was anything."""
        _check_machine()
        return leftovers.clean(self.settings)

    def ailments(self) -> list[str]:
        """What keeps it from being up and healthy, each in a few words; nothing where it is."""
        _check_machine()
        held = claim.find(self.settings)
        if held is None:
            return ["the node is down"]
        if not self.paths.ready.exists():
            return ["its start did not come to an end"]
        dead = [f"{name} does not run" for name in daemons.NAMES if not processes.running(self.paths, name)]
        if dead:
            return dead
        api = Api(self.paths, held.addresses)
        return [] if api.ready() and api.node_ready() else [_NOT_READY]

    def _lasting_ailments(self) -> list[str]:
        """What ails it even after a while: a busy machine is no reason to throw a node away."""
        deadline = time.monotonic() + BUSY_SECONDS
        while (ailing := self.ailments()) == [_NOT_READY] and time.monotonic() < deadline:
            time.sleep(processes.POLL_SECONDS)
        return ailing

    def _start(self, held: Claim, binaries: Programs) -> None:
        addresses, paths = held.addresses, self.paths
        self._prepare(addresses)
        space = network.netns(self.settings.name)
        started: list[str] = []

        def start(daemon: processes.Daemon) -> None:
            processes.start(daemon, paths, space)
            started.append(daemon.name)

        start(daemons.containerd(paths))
        start(daemons.etcd(paths))
        start(daemons.apiserver(paths, addresses, binaries))
        self._ready_containerd(binaries)
        api = Api(paths, addresses)
        processes.wait("the API server to be ready", api.ready, paths, daemons=started, seconds=90)
        for path, value in config.dns_objects(addresses):
            api.apply(path, value)
        for daemon in daemons.workers(paths, addresses, binaries):
            start(daemon)
        self._wait_for_workers(api, addresses, started)
        paths.ready.touch()

    def _prepare(self, addresses: Addresses) -> None:
        """Everything that must stand before the first daemon starts."""
        paths = self.paths
        paths.state.mkdir(mode=0o700, parents=True)
        paths.mark.touch()
        for folder in (paths.logs, paths.pids, paths.runtime, self.containerd.images):
            folder.mkdir(parents=True, exist_ok=True)
        network.create(self.settings.name, addresses)
        cgroups.create(config.cgroup(self.settings.name))
        pki.create(paths.pki, addresses)
        config.write(paths, addresses, name=self.settings.name, images=self.containerd.images)

    def _ready_containerd(self, binaries: Programs) -> None:
        """Wait for it, make it forget the last node's containers, and give it the pause image."""
        engine, paths, space = self.containerd, self.paths, network.netns(self.settings.name)
        processes.wait("containerd to answer", engine.answers, paths, daemons=["containerd"], seconds=60)
        if engine.forget_containers():
            # Its Kubernetes part has read the records into its memory already.
            old = processes.find(paths, "containerd")
            processes.end([old] if old else [], leftovers.CONTAINERD_GRACE_SECONDS)
            processes.start(daemons.containerd(paths), paths, space)
            processes.wait("containerd to answer", engine.answers, paths, daemons=["containerd"], seconds=60)
        key = binaries.folder.name
        if engine.loaded().get(config.PAUSE_IMAGE) != key:
            archive = paths.state / "pause.tar"
            pause.archive(binaries["pause"], archive)
            engine.load(archive, config.PAUSE_IMAGE, key=key)

    def _wait_for_workers(self, api: Api, addresses: Addresses, started: list[str]) -> None:
        def until(what: str, daemon: str, condition: processes.Condition) -> None:
            order = [*(name for name in started if name != daemon), daemon]
            processes.wait(what, condition, self.paths, daemons=order, seconds=90)

        until("the node to be ready", "kubelet", api.node_ready)
        until("the account of new pods", "kube-controller-manager", api.has_default_account)
        until("CoreDNS to be ready", "coredns", lambda: _serves(f"http://{addresses.node}:8181/ready"))
        until("kube-proxy to be ready", "kube-proxy", lambda: _serves(f"http://{addresses.node}:10256/healthz"))


def _serves(url: str) -> bool:
    with suppress(OSError), urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310 -- our own node
        return bool(answer.status == 200)
    return False


def _check_machine() -> None:
    if sys.platform != "linux":
        raise NodeError(
            "The local node needs Linux. Start Docker (then kind is used), or name a cluster by TESTMESH_KUBE_CONTEXT."
        )
    if os.geteuid() != 0:
        raise NodeError(
            "The local node needs root: it makes network namespaces and mounts. Run it by sudo, start Docker "
            "(then kind is used), or name a cluster by TESTMESH_KUBE_CONTEXT."
        )


def _check_neighbour() -> None:
    neighbour = processes.kubelet_of_machine()
    if neighbour:
        raise NodeError(
            f"This machine is a Kubernetes node itself (its kubelet is process {neighbour.pid}), and a second kubelet "
            "would take over its socket for plugins. Name that cluster by TESTMESH_KUBE_CONTEXT, or use another one."
        )


def _check_disk(settings: Settings) -> None:
    settings.cache.mkdir(parents=True, exist_ok=True)
    settings.state.parent.mkdir(parents=True, exist_ok=True)
    wanted = WARM_GIB if any(settings.cache.glob("binaries-*")) else COLD_GIB
    for folder in (settings.cache, settings.state.parent):
        free = shutil.disk_usage(folder).free / _GIB
        if free < wanted:
            raise NodeError(
                f"Only {free:.1f} GiB are free at {folder}, and {wanted} are needed. Make room, or name other folders "
                "by TESTMESH_CACHE and TESTMESH_STATE."
            )
