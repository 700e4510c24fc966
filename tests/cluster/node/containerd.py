"""The node's containerd, by its own client `ctr`."""

import json
import shutil
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cluster.node import shell
from cluster.node.errors import NodeError

NAMESPACE = "k8s.io"
_PREVIOUS = "localhost/testmesh-previous:1"


@dataclass(frozen=True, slots=True)
class Containerd:
    """A containerd that listens on a socket, and the folder of images that it keeps."""

    socket: Path
    images: Path

    def answers(self) -> bool:
        """Whether it serves."""
        return self.socket.exists() and shell.succeeds([*self._ctr, "version"])

    def forget_containers(self) -> bool:
        """Remove the records and file systems of containers that died with the last node; whether there were any."""
        names = self._lines("containers", "list", "--quiet")
        if names:
            self._lines("containers", "delete", *names)
        return bool(names)

    def load(self, archive: Path, image: str, *, key: str) -> None:
        """Take an image from an archive (of `docker save`, or in the OCI layout), and note what it was made from.

        Args:
            archive: may lack blobs that containerd has already.
            image: its full name.
            key: of all that it was made from.
        """
        with self._previous_kept(image):
            self._lines("images", "import", str(archive))
        if image not in self._names():
            raise NodeError(f"{archive} does not hold the image {image}.")
        loaded = self.loaded()
        loaded[image] = key
        draft = self._notes.with_suffix(".new")
        draft.write_text(json.dumps(loaded, indent=1, sort_keys=True))
        draft.replace(self._notes)

    @contextmanager
    def layout(self) -> Iterator[Path]:
        """A folder in the OCI layout, for a while, that holds all the blobs of containerd, by hard links."""
        folder = self.images / "testmesh-layout"
        shutil.rmtree(folder, ignore_errors=True)
        blobs = folder / "blobs" / "sha256"
        blobs.mkdir(parents=True)
        for blob in self._blobs.glob("*"):
            (blobs / blob.name).hardlink_to(blob)
        try:
            yield folder
        finally:
            shutil.rmtree(folder)

    def load_from(self, layout: Path, image: str, *, key: str) -> None:
        """Take an image out of a layout that began as ours: only what containerd lacks is copied."""
        archive = layout / "new.tar"
        with tarfile.open(archive, "w") as tar:
            for blob in sorted((layout / "blobs" / "sha256").iterdir()):
                if not (self._blobs / blob.name).exists():
                    tar.add(blob, blob.relative_to(layout))
            tar.add(layout / "oci-layout", "oci-layout")
            tar.add(layout / "index.json", "index.json")
        self.load(archive, image, key=key)

    def loaded(self) -> dict[str, str]:
        """Image name to the key of what it was made from. The note lives and dies with the folder of images."""
        try:
            return {str(image): str(key) for image, key in json.loads(self._notes.read_text()).items()}
        except FileNotFoundError:
            return {}

    @contextmanager
    def _previous_kept(self, image: str) -> Iterator[None]:
        """Hold what the name meant so far under another one, until the new image is unpacked.

        Else the garbage collector takes layers that both share, between `ctr` finding one unpacked already and
        building the next one on it ("parent snapshot does not exist").
        """
        if image in self._names():
            self._lines("images", "tag", "--force", image, _PREVIOUS)
        yield
        if _PREVIOUS in self._names():
            self._lines("images", "remove", _PREVIOUS)

    def _names(self) -> list[str]:
        return self._lines("images", "list", "--quiet")

    @property
    def _blobs(self) -> Path:
        return self.images / "io.containerd.content.v1.content" / "blobs" / "sha256"

    @property
    def _notes(self) -> Path:
        return self.images / "testmesh-loaded.json"

    @property
    def _ctr(self) -> list[str]:
        return ["ctr", "--address", str(self.socket), "--namespace", NAMESPACE]

    def _lines(self, *words: str) -> list[str]:
        return shell.output([*self._ctr, *words]).split()
