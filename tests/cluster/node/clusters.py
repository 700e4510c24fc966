"""The three ways to a cluster, behind one interface: a context that exists, kind, and the local node."""

import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from cluster.node import catalogue, imagestore, programs, shell
from cluster.node.buildah import Buildah
from cluster.node.errors import NodeError
from cluster.node.localnode import LocalNode
from cluster.node.progress import Progress
from cluster.node.settings import REPO, Settings
from support.cache import key_of


@dataclass(frozen=True, slots=True)
class Cluster:
    """A cluster that is up, and how to talk to it."""

    kubeconfig: Path
    """Its current context is this cluster; holds credentials of an administrator."""
    kubectl: Path
    helm: Path


class Provider(Protocol):
    """A way to have a cluster. All may raise NodeError."""

    def up(self) -> bool:
        """Bring it up; False where it is up already."""
        ...

    def down(self) -> bool:
        """Take down what `up` has made; whether there was anything."""
        ...

    def ailments(self) -> list[str]:
        """What keeps it from being up and healthy; nothing where it is."""
        ...

    def images(self, names: Sequence[str]) -> list[str]:
        """Build and load the named images (all where none is named) that are missing or out of date: their names."""
        ...

    def cluster(self) -> Cluster:
        """How to talk to it."""
        ...


@dataclass(frozen=True, slots=True)
class OnThisMachine:
    """The local node."""

    settings: Settings
    progress: Progress

    def up(self) -> bool:
        """See Provider."""
        return self._node.up()

    def down(self) -> bool:
        """See Provider."""
        return self._node.down()

    def ailments(self) -> list[str]:
        """See Provider."""
        return self._node.ailments()

    def images(self, names: Sequence[str]) -> list[str]:
        """See Provider. The public images are made from Debian and Maven Central, under their public names."""
        known = catalogue.images(self.settings)
        chosen = imagestore.choose(known, names) if names else known
        builder = Buildah(self.settings.cache, self.progress)
        return imagestore.ensure(chosen, self._node.containerd, builder, progress=self.progress)

    def cluster(self) -> Cluster:
        """See Provider."""
        if not self._node.paths.ready.exists():
            raise NodeError(f"The node {self.settings.name!r} is not up: bring it up first.")
        tools = programs.ensure(self.settings.cache, self.progress).tools
        return Cluster(self._node.paths.kubeconfig, tools / "kubectl", tools / "helm")

    @property
    def _node(self) -> LocalNode:
        return LocalNode(self.settings, self.progress)


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind cluster in a Docker engine; the public images come from their registries."""

    settings: Settings
    progress: Progress

    def up(self) -> bool:
        """See Provider."""
        if not self.ailments():
            return False
        config = REPO / "kind-config.yaml"
        with self.progress.stage("creating a kind cluster"):
            self._kind(
                "create", "cluster", "--config", str(config), "--kubeconfig", str(self._kubeconfig), "--wait=120s"
            )
        return True

    def down(self) -> bool:
        """See Provider."""
        there = self.settings.name in self._names()
        if there:
            self._kind("delete", "cluster", "--kubeconfig", str(self._kubeconfig))
        return there

    def ailments(self) -> list[str]:
        """See Provider."""
        return [] if self.settings.name in self._names() else [f"there is no kind cluster {self.settings.name!r}"]

    def images(self, names: Sequence[str]) -> list[str]:
        """See Provider. Docker and kind know themselves what is up to date."""
        known = catalogue.images(self.settings)
        chosen = [image for image in (imagestore.choose(known, names) if names else known) if image.ours]
        for image in chosen:
            with self.progress.stage(f"building and loading image {image.short}"):
                build: list[str | Path] = ["docker", "build", "--tag", image.short, "--file", image.file, image.context]
                shell.logged(build, self._log)
                self._kind("load", "docker-image", image.short)
        return [image.short for image in chosen]

    def cluster(self) -> Cluster:
        """See Provider."""
        self._kind("export", "kubeconfig", "--kubeconfig", str(self._kubeconfig))
        return _with_tools(self._kubeconfig, self.settings, self.progress)

    @property
    def _kubeconfig(self) -> Path:
        return _private_file(self.settings.cache / "kubeconfig" / f"kind-{self.settings.name}")

    @property
    def _log(self) -> Path:
        return self.settings.cache / "log" / "kind.log"

    def _names(self) -> list[str]:
        return shell.output(["kind", "get", "clusters"]).split()

    def _kind(self, *words: str) -> None:
        shell.logged(["kind", *words, "--name", self.settings.name], self._log)


@dataclass(frozen=True, slots=True)
class ExistingContext:
    """A cluster of somebody else: nothing is started there, stopped or loaded."""

    settings: Settings
    progress: Progress
    context: str

    def up(self) -> bool:
        """See Provider."""
        ailing = self.ailments()
        if ailing:
            raise NodeError(f"TESTMESH_KUBE_CONTEXT names a cluster that cannot be used: {ailing[0]}")
        return False

    def down(self) -> bool:
        """See Provider."""
        raise NodeError(f"The cluster of the context {self.context!r} is not ours to take down.")

    def ailments(self) -> list[str]:
        """See Provider."""
        try:
            cluster = self.cluster()
            shell.output([cluster.kubectl, "--kubeconfig", cluster.kubeconfig, "--request-timeout=10s", "version"])
        except NodeError as error:
            return [str(error)]
        return []

    def images(self, names: Sequence[str]) -> list[str]:
        """See Provider."""
        if names:
            raise NodeError("Images get into that cluster by its registry: build and push them by its own means.")
        return []

    def cluster(self) -> Cluster:
        """See Provider. The context alone, in a file of its own: nothing follows a change of the current context."""
        cluster = _with_tools(
            self.settings.cache / "kubeconfig" / f"context-{key_of(self.context)}", self.settings, self.progress
        )
        view = ["config", "view", "--minify", "--flatten", "--raw", f"--context={self.context}"]
        _private_file(cluster.kubeconfig).write_text(shell.output([cluster.kubectl, *view]))
        return cluster


def choose(settings: Settings, progress: Progress) -> Provider:
    """The first that there is: the context of the settings, kind with a Docker engine that answers, this machine."""
    if settings.kube_context:
        return ExistingContext(settings, progress, settings.kube_context)
    if shutil.which("kind") and shell.succeeds(["docker", "info"]):
        return Kind(settings, progress)
    return OnThisMachine(settings, progress)


def lock_file(settings: Settings) -> Path:
    """One for the machine where we are root, since nodes share it; else one beside the user's cache."""
    return Path("/run/testmesh/lock") if os.geteuid() == 0 else settings.cache / "lock"


def _with_tools(kubeconfig: Path, settings: Settings, progress: Progress) -> Cluster:
    """Kubectl and helm of the PATH, else of our own build."""
    kubectl, helm = shutil.which("kubectl"), shutil.which("helm")
    if kubectl and helm:
        return Cluster(kubeconfig, Path(kubectl), Path(helm))
    tools = programs.ensure(settings.cache, progress).tools
    return Cluster(kubeconfig, Path(kubectl or tools / "kubectl"), Path(helm or tools / "helm"))


def _private_file(file: Path) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.touch(mode=0o600)
    return file
