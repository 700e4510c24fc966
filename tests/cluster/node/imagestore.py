"""Brings images from their sources into the node: builds and loads what is missing or out of date, and no more."""

from collections.abc import Sequence

from cluster.node.buildah import Buildah
from cluster.node.catalogue import DEBIAN, Image
from cluster.node.containerd import Containerd
from cluster.node.errors import NodeError
from cluster.node.progress import Progress


def ensure(images: Sequence[Image], engine: Containerd, builder: Buildah, *, progress: Progress) -> list[str]:
    """Make the node hold the images as their sources are now.

    Args:
        images: each after its base, as `catalogue.images` has them.
        engine: the node's containerd.
        builder: builds what is to be loaded.
        progress: is told what is done.

    Returns:
        The short names of those that were loaded; none where all were up to date.
    """
    keys = image_keys(images)
    loaded = engine.loaded()
    stale = [image for image in images if image.name != DEBIAN and loaded.get(image.name) != keys[image.name]]
    for image in stale:
        _build(image, images, keys, builder=builder)
        with progress.stage(f"loading image {image.short}"), engine.layout() as layout:
            builder.export(image, layout)
            engine.load_from(layout, image.name, key=keys[image.name])
    return [image.short for image in stale]


def image_keys(images: Sequence[Image]) -> dict[str, str]:
    """Image name to the key of all that it is made from, its base included."""
    keys: dict[str, str] = {}
    for image in images:
        keys[image.name] = image.key(keys[image.base] if image.base else "")
    return keys


def choose(images: Sequence[Image], names: Sequence[str]) -> list[Image]:
    """The images with these short names or parts of them (`engine`, `postgres`), and their bases.

    Raises:
        NodeError: a name fits none; the message has those that there are.
    """
    chosen: set[str] = set()
    for name in names:
        fitting = [image for image in images if name in (image.short, image.short.split(":")[0].rpartition("/")[2])]
        if not fitting:
            known = ", ".join(image.short for image in images if image.name != DEBIAN)
            raise NodeError(f"There is no image {name!r}. There are: {known}")
        chosen.update(image.name for image in fitting)
    for image in reversed(images):
        if image.name in chosen and image.base:
            chosen.add(image.base)
    return [image for image in images if image.name in chosen]


def _build(image: Image, images: Sequence[Image], keys: dict[str, str], *, builder: Buildah) -> None:
    """Build the image, its bases first."""
    by_name = {each.name: each for each in images}
    if image.base:
        _build(by_name[image.base], images, keys, builder=builder)
    builder.ensure(image, keys[image.name], base=image.base or "")
