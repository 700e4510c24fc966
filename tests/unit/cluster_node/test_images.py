"""Images are built when, and only when, something that they are made from has changed."""

from pathlib import Path

import pytest

from cluster.node import catalogue, imagestore, pause, programs, toolchain
from cluster.node.catalogue import DEBIAN, PYTHON, Image
from cluster.node.errors import NodeError
from cluster.node.settings import DEFAULT_NAME, Settings


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    """A Dockerfile and a folder of sources."""
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "a.py").write_text("a = 1\n")
    return tmp_path


@pytest.fixture
def known() -> list[Image]:
    """The project's images."""
    return catalogue.images(Settings(DEFAULT_NAME, Path("state"), Path("cache"), None))


def image(folder: Path) -> Image:
    """An image of these sources."""
    return Image("docker.io/testmesh/x:1", folder / "Dockerfile", folder, (folder / "src",), "base")


@pytest.mark.parametrize(
    ("file", "text"), [("src/a.py", "a = 2\n"), ("src/b.py", ""), ("Dockerfile", "FROM scratch\nUSER 1\n")]
)
def test_a_changed_source_changes_the_key(sources: Path, file: str, text: str) -> None:
    """A file's content, a new file, the Dockerfile itself."""
    before = image(sources).key("base-key")
    (sources / file).write_text(text)
    assert before != image(sources).key("base-key")


def test_a_renamed_source_changes_the_key(sources: Path) -> None:
    """The same bytes under another name are another image."""
    before = image(sources).key("base-key")
    (sources / "src" / "a.py").rename(sources / "src" / "c.py")
    assert before != image(sources).key("base-key")


def test_an_executable_bit_changes_the_key(sources: Path) -> None:
    """An entrypoint that may not be executed is another image."""
    before = image(sources).key("base-key")
    (sources / "src" / "a.py").chmod(0o755)
    assert before != image(sources).key("base-key")


def test_a_changed_base_changes_the_key(sources: Path) -> None:
    """What stands on a base is built anew with it."""
    assert image(sources).key("one") != image(sources).key("other")


def test_bytecode_and_touching_leave_the_key(sources: Path) -> None:
    """Running the tests does not make an image out of date."""
    before = image(sources).key("base-key")
    (sources / "src" / "__pycache__").mkdir()
    (sources / "src" / "__pycache__" / "a.cpython-311.pyc").write_bytes(b"x")
    (sources / "src" / "a.py").touch()
    assert before == image(sources).key("base-key")


def test_a_chosen_image_brings_its_bases(known: list[Image]) -> None:
    """`images engine` needs Python's image, and that one Debian's."""
    names = [each.name for each in imagestore.choose(known, ["engine"])]
    assert names == [DEBIAN, PYTHON, next(each.name for each in known if each.short.startswith("testmesh/engine:"))]


def test_an_unknown_image_is_answered_by_those_there_are(known: list[Image]) -> None:
    """A slip of the fingers costs no look into the sources."""
    with pytest.raises(NodeError, match=r"There is no image 'engin'. There are: python:3.11-slim, postgres:15, "):
        imagestore.choose(known, ["engin"])


def test_every_base_stands_before_what_is_built_on_it(known: list[Image]) -> None:
    """The order in which keys are made and images built."""
    names = [each.name for each in known]
    assert [] == [each.name for each in known if each.base and names.index(each.base) > names.index(each.name)]


def test_every_source_that_is_named_exists(known: list[Image]) -> None:
    """A moved folder would make an image that never changes again."""
    assert [] == [str(path) for each in known for path in (each.file, *each.inputs) if not path.exists()]


def test_the_pause_archive_depends_on_its_program_alone(tmp_path: Path) -> None:
    """Two archives of the same program are the same bytes."""
    program = tmp_path / "pause"
    program.write_bytes(b"\x7fELF")
    pause.archive(program, tmp_path / "one.tar")
    pause.archive(program, tmp_path / "other.tar")
    assert (tmp_path / "one.tar").read_bytes() == (tmp_path / "other.tar").read_bytes()


def test_the_version_of_a_module_is_read_from_go_mod() -> None:
    """The binaries' own version stamps are those of the sources they are built from."""
    text = "require (\n\thelm.sh/helm/v3 v3.19.5\n\tk8s.io/kubernetes v1.34.4\n)\n"
    assert ("v1.34.4", "v3.19.5") == (
        programs.required(text, "k8s.io/kubernetes"),
        programs.required(text, "helm.sh/helm/v3"),
    )


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ("go version go1.26.8 linux/amd64", (1, 26)),
        ("go version go1.19.8 linux/amd64", (1, 19)),
        ("go version devel +a1b2c3 linux/amd64", (0, 0)),
    ],
)
def test_the_version_of_a_go_is_read(told: str, expected: tuple[int, int]) -> None:
    """It decides whether that Go can fetch what it needs by itself."""
    assert expected == toolchain.version(told)
