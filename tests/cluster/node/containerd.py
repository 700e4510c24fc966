"""The node's containerd, by its own client `ctr`."""

import json
from dataclasses import dataclass
from pathlib import Path

from cluster.node import shell
from cluster.node.errors import NodeError

NAMESPACE = "k8s.io"


@dataclass(frozen=True, slots=True)
class Containerd:
    """A containerd that listens on a socket, and the folder of images that it keeps."""

    socket: Path
    images: Path

    def answers(self) -> bool:
        """Whether it serves."""
        return self.socket.exists() and shell.succeeds([*self._ctr, "version"])

    def forget_containers(self) -> bool:
        """Remove the records and the file systems of containers that died with the last node; whether there were any."""
        names = self._lines("containers", "list", "--quiet")
        if names:
            self._lines("containers", "delete", *names)
        return bool(names)

    def load(self, archive: Path, image: str, *, key: str) -> None:
        """Take an image from a docker-archive or OCI archive, and note the key of what it was made from."""
        self._lines("images", "import", str(archive))
        if image not in self._lines("images", "list", "--quiet"):
            raise NodeError(f"{archive} does not hold the image {image}.")
        loaded = self.loaded()
        loaded[image] = key
        draft = self._notes.with_suffix(".new")
        draft.write_text(json.dumps(loaded, indent=1, sort_keys=True))
        draft.replace(self._notes)

    def loaded(self) -> dict[str, str]:
        """Image name to the key of what it was made from. The note lives and dies with the folder of images."""
        try:
            return {str(image): str(key) for image, key in json.loads(self._notes.read_text()).items()}
        except FileNotFoundError:
            return {}

    @property
    def _notes(self) -> Path:
        return self.images / "testmesh-loaded.json"

    @property
    def _ctr(self) -> list[str]:
        return ["ctr", "--address", str(self.socket), "--namespace", NAMESPACE]

    def _lines(self, *words: str) -> list[str]:
        return shell.output([*self._ctr, *words]).split()
