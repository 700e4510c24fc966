"""Builds images without any engine, by buildah, from the same Dockerfiles that `docker build` takes."""

import json
import os
import shutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cluster.node import leftovers, packages, shell
from cluster.node.catalogue import DEBIAN, Image
from cluster.node.errors import NodeError
from cluster.node.progress import Progress
from support.jars import kafka_jars

_SUITE = "bookworm"
# Nobody reads them in a container.
_WITHOUT = ("/usr/share/man/*", "/usr/share/doc/*", "/usr/share/info/*", "/usr/share/locale/*", "/usr/share/lintian/*")
_CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")


@dataclass(frozen=True, slots=True)
class Buildah:
    """A store of images in the cache, and what was built into it."""

    cache: Path
    progress: Progress

    def ensure(self, image: Image, key: str, *, base: str) -> None:
        """Build the image, if what the store has is not of this key.

        Args:
            image: what to build; its base is built already.
            key: of all that it is made from.
            base: the base's name in the store ("" for none).

        Raises:
            NodeError: with the tail of the build's log.
        """
        if self._built().get(image.name) == key and self._has(image.name):
            return
        if base and not self._has(base):
            raise NodeError(f"{image.short} builds on {base}, which is not there: an error of the node's own order.")
        self._prepare()
        log = self._log(image)
        log.unlink(missing_ok=True)
        with self.progress.stage(f"building image {image.short}"), self._context(image, log) as context:
            self._build(image, context, log)
        self._note(image.name, key)

    def export(self, image: Image, layout: Path) -> None:
        """Add a built image to a folder in the OCI layout; blobs that are there already are not written again."""
        words = [
            "push",
            "--quiet",
            "--format",
            "oci",
            "--disable-compression",
            image.name,
            f"oci:{layout}:{image.name}",
        ]
        shell.logged([*self._buildah, *words], self._log(image), env=self._environment)

    @property
    def _folder(self) -> Path:
        return self.cache / "buildah"

    @property
    def _buildah(self) -> list[str | Path]:
        return [
            "buildah",
            "--root",
            self._folder / "store",
            "--runroot",
            self._folder / "run",
            "--storage-driver",
            _driver(self._folder),
        ]

    @property
    def _environment(self) -> dict[str, str]:
        """Its own settings, not the machine's: short names are Docker Hub's, as with Docker."""
        return {
            "CONTAINERS_REGISTRIES_CONF": str(self._folder / "registries.conf"),
            "TMPDIR": str(self._folder),
            **_proxies(),
        }

    def _log(self, image: Image) -> Path:
        return self.cache / "log" / f"image-{image.short.replace('/', '-').replace(':', '-')}.log"

    def _prepare(self) -> None:
        """Remove what a killed build has left, and write the settings."""
        packages.install(packages.IMAGES, self.progress)
        self._folder.mkdir(parents=True, exist_ok=True)
        (self._folder / "registries.conf").write_text('unqualified-search-registries = ["docker.io"]\n')
        policy = {"default": [{"type": "insecureAcceptAnything"}]}
        (self._folder / "policy.json").write_text(json.dumps(policy))
        shell.output([*self._buildah, "rm", "--all"], env={**os.environ, **self._environment})
        leftovers.unmount_below(self._folder)
        for stale in self._folder.glob("buildah[0-9]*"):
            shutil.rmtree(stale)

    @contextmanager
    def _context(self, image: Image, log: Path) -> Iterator[Path]:
        """The build's folder; for the Debian root, one that holds its archive."""
        if image.name != DEBIAN:
            yield image.context
            return
        folder = self._folder / "debian"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        without = [f"--dpkgopt=path-exclude={pattern}" for pattern in _WITHOUT]
        target = [_SUITE, str(folder / "debian.tar")]
        with self.progress.stage(f"fetching Debian {_SUITE} by mmdebstrap (about half a minute)"):
            command = ["mmdebstrap", "--variant=minbase", "--include=ca-certificates", *without, *target]
            shell.logged(command, log, env=_proxies())
        try:
            yield folder
        finally:
            shutil.rmtree(folder)

    def _build(self, image: Image, context: Path, log: Path) -> None:
        options: list[str | Path] = ["--isolation", "chroot", "--layers", "--pull-never", "--file", image.file]
        options += ["--signature-policy", self._folder / "policy.json", "--tag", image.name]
        for source, target in self._mounts(image).items():
            options += ["--volume", f"{source}:{target}"]
        if "/kafka:" in image.name:
            options += ["--build-context", f"jars={kafka_jars(self.progress.say)}"]
        shell.logged([*self._buildah, "build", *options, context], log, env=self._environment)

    def _mounts(self, image: Image) -> Mapping[Path, str]:
        """What a build takes from this machine without leaving it in the image."""
        if not image.ours:
            archives = self.cache / "apt"
            (archives / "partial").mkdir(parents=True, exist_ok=True)
            return {archives: "/var/cache/apt/archives:rw"}
        settings = self._folder / "pip.conf"
        settings.touch(mode=0o600)  # an index's address may hold a password
        settings.write_text(_pip_settings())
        mounts = {settings: "/etc/pip.conf:ro"}
        if _CERTIFICATES.exists():
            mounts[_CERTIFICATES] = f"{_CERTIFICATES}:ro"
        return mounts

    def _has(self, name: str) -> bool:
        return shell.succeeds([*self._buildah, "inspect", "--type", "image", "--format", "{{.FromImageID}}", name])

    @property
    def _notes(self) -> Path:
        return self._folder / "built.json"

    def _built(self) -> dict[str, str]:
        try:
            return {str(name): str(key) for name, key in json.loads(self._notes.read_text()).items()}
        except FileNotFoundError:
            return {}

    def _note(self, name: str, key: str) -> None:
        draft = self._notes.with_suffix(".new")
        draft.write_text(json.dumps(self._built() | {name: key}, indent=1, sort_keys=True))
        draft.replace(self._notes)


def _driver(folder: Path) -> str:
    """Choose overlay, unless the folder is on one itself: vfs copies every layer whole, but works there too."""
    folder.mkdir(parents=True, exist_ok=True)
    kind = shell.output(["stat", "--file-system", "--format", "%T", folder]).strip()
    return "vfs" if kind == "overlayfs" else "overlay"


def _pip_settings() -> str:
    """This machine's way to the package index (mirror, certificates), as a pip.conf; no cache, no local folders."""
    pip = [sys.executable, "-m", "pip"]
    names = ("index-url", "extra-index-url", "trusted-host", "proxy", "timeout")
    told = shell.output([*pip, "config", "list"]) if shell.succeeds(pip) else ""
    lines = ["[global]", f"cert = {_CERTIFICATES}" if _CERTIFICATES.exists() else ""]
    for line in told.splitlines():
        name, _, value = line.partition("=")
        if name.rpartition(".")[2] in names:
            lines.append(f"{name.rpartition('.')[2]} = {value.strip(chr(39))}")
    return "\n".join(lines) + "\n"


def _proxies() -> dict[str, str]:
    """Hand on apt's proxy as an environment variable: buildah passes it to the build and keeps it out of the image."""
    if "http_proxy" in os.environ:
        return {}
    told = shell.output(["apt-config", "dump", "--format", "%v", "Acquire::http::Proxy"]).strip()
    return {"http_proxy": told} if told else {}
