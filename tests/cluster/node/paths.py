"""The files of one node's state folder."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Paths:
    """Names in the state folder; nothing outside of it belongs to the node but what `leftovers` lists."""

    state: Path

    @property
    def pki(self) -> Path:
        """Keys and certificates."""
        return self.state / "pki"

    @property
    def conf(self) -> Path:
        """Configuration files and kubeconfigs."""
        return self.state / "conf"

    @property
    def logs(self) -> Path:
        """One log for each daemon."""
        return self.state / "log"

    @property
    def pids(self) -> Path:
        """One pid file for each daemon."""
        return self.state / "pid"

    @property
    def socket(self) -> Path:
        """Where containerd listens."""
        return self.state / "run" / "containerd.sock"

    @property
    def runtime(self) -> Path:
        """What containerd keeps for running containers."""
        return self.state / "run" / "containerd"

    @property
    def kubeconfig(self) -> Path:
        """The administrator's credentials."""
        return self.conf / "admin.json"

    @property
    def mark(self) -> Path:
        """Says that the folder is ours; written first."""
        return self.state / "testmesh-node"

    @property
    def ready(self) -> Path:
        """Stands once a start has come to its end."""
        return self.state / "ready"
