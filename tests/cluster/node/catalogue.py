"""Which images there are, and from what each is made."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from cluster.node.settings import REPO, Settings
from support.cache import key_of
from support.jars import POM, kafka_version

FOLDER = Path(__file__).parent / "images"
DEBIAN = "localhost/debian:bookworm"
PYTHON = "docker.io/library/python:3.11-slim"
_PROJECT = ("pyproject.toml", "README.md", "LICENSE", "engine/testmesh_engine", "operator/testmesh_operator")


@dataclass(frozen=True, slots=True)
class Image:
    """One image: its full name, the file that describes it, and what it is made from."""

    name: str
    """With registry and tag: `docker.io/testmesh/engine:0.1.0` for what manifests call testmesh/engine:0.1.0."""
    file: Path
    """Its Dockerfile."""
    context: Path
    """The folder that the Dockerfile copies from."""
    inputs: tuple[Path, ...]
    """Files and folders that decide about its content, beside its base."""
    base: str | None = None
    """The image that it builds on, if that is one of ours."""
    ours: bool = field(default=False)
    """Whether it is the project's own; the others stand for images of public registries."""

    @property
    def short(self) -> str:
        """As manifests name it."""
        return self.name.removeprefix("docker.io/").removeprefix("library/")

    def key(self, base_key: str) -> str:
        """Sixteen hexadecimal digits that change with anything that the image is made from."""
        return key_of(self.name, base_key, *_contents((self.file, *self.inputs)))


def images(settings: Settings) -> list[Image]:
    """All images, each after its base."""
    return [
        _public(DEBIAN, "debian", base=None),
        _public(PYTHON, "python"),
        _public("docker.io/library/postgres:15", "postgres"),
        _public(f"docker.io/apache/kafka:{kafka_version()}", "kafka", inputs=(POM,)),
        _own(settings, "engine", "engine", ("engine/requirements.lock", "engine/requirements-build.lock", *_PROJECT)),
        _own(
            settings,
            "operator",
            "operator",
            ("operator/requirements.lock", "engine/requirements-build.lock", *_PROJECT),
        ),
        _own(settings, "demo", demo := "examples/microservices", (f"{demo}/requirements.lock", f"{demo}/services")),
    ]


def _public(name: str, folder: str, *, base: str | None = DEBIAN, inputs: tuple[Path, ...] = ()) -> Image:
    context = FOLDER / folder
    return Image(name, context / "Containerfile", context, (context, *inputs), base)


def _own(settings: Settings, name: str, folder: str, inputs: tuple[str, ...]) -> Image:
    full = f"docker.io/testmesh/{name}:{settings.version}"
    files = (REPO / ".dockerignore", *(REPO / each for each in inputs))
    return Image(full, REPO / folder / "Dockerfile", REPO, files, PYTHON, ours=True)


def _contents(paths: tuple[Path, ...]) -> Iterator[str | bytes]:
    for path in paths:
        for file in _files(path):
            yield f"{file.relative_to(path.parent)} {file.stat().st_mode & 0o111:o}"
            yield file.read_bytes()


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    return sorted(file for file in path.rglob("*") if file.is_file() and "__pycache__" not in file.parts)
