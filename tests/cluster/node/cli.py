"""The verbs of `python tests/cluster/node`."""

import argparse
import os
import shlex
import sys
from collections.abc import Callable, Sequence

from cluster.node import settings
from cluster.node.clusters import Provider, choose, lock_file
from cluster.node.errors import NodeError
from cluster.node.lock import alone
from cluster.node.progress import Progress
from support.errors import SetupError

Verb = Callable[[Provider, argparse.Namespace, Progress], int]


def main(arguments: Sequence[str]) -> int:
    """Run one verb.

    Returns:
        The exit code: 0 done (status: healthy), 1 not, 2 a wrong command line, 130 interrupted.
    """
    options = _parser().parse_args(arguments)
    verb: Verb = options.verb
    try:
        wanted, progress = settings.read(), Progress()
        provider = choose(wanted, progress)
        if verb in _READERS:
            return verb(provider, options, progress)
        with alone(lock_file(wanted), progress):
            return verb(provider, options, progress)
    except (NodeError, SetupError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted; the next `up` or `down` cleans up", file=sys.stderr)
        return 130


def _up(provider: Provider, options: argparse.Namespace, progress: Progress) -> int:
    """Bring the cluster up, with all images."""
    fresh = provider.up()
    loaded = [] if options.bare else provider.images(())
    progress.say("the cluster is up" if fresh or loaded else "the cluster is up already")
    return 0


def _down(provider: Provider, _: argparse.Namespace, progress: Progress) -> int:
    """Take it down and remove all but the caches."""
    progress.say("the cluster is down" if provider.down() else "there is no cluster here")
    return 0


def _status(provider: Provider, _: argparse.Namespace, __: Progress) -> int:
    """Say whether it is up and healthy."""
    ailing = provider.ailments()
    print("\n".join(ailing) or "up and healthy")
    return 1 if ailing else 0


def _images(provider: Provider, options: argparse.Namespace, progress: Progress) -> int:
    """Build and load the images that are missing or out of date."""
    if ailing := provider.ailments():
        raise NodeError(f"Images are loaded into a cluster that is up, and {ailing[0]}: bring it up first.")
    loaded = provider.images(options.names)
    progress.say(f"loaded {', '.join(loaded)}" if loaded else "all images are up to date")
    return 0


def _env(provider: Provider, _: argparse.Namespace, __: Progress) -> int:
    """Print what a shell needs to talk to it: eval "$(… env)"."""
    cluster = provider.cluster()
    folders = dict.fromkeys(str(tool.parent) for tool in (cluster.kubectl, cluster.helm))
    rest = [folder for folder in os.environ.get("PATH", "").split(":") if folder and folder not in folders]
    print(f"export KUBECONFIG={shlex.quote(str(cluster.kubeconfig))}")
    print(f"export PATH={shlex.quote(':'.join([*folders, *rest]))}")
    return 0


_READERS = (_status, _env)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python tests/cluster/node",
        description="A real Kubernetes cluster for the demo and the tests. See tests/cluster/README.md.",
    )
    verbs = parser.add_subparsers(required=True, metavar="VERB")
    for name, verb in (("up", _up), ("down", _down), ("status", _status), ("images", _images), ("env", _env)):
        sub = verbs.add_parser(name, help=verb.__doc__, description=verb.__doc__)
        sub.set_defaults(verb=verb)
        if verb is _up:
            sub.add_argument("--bare", action="store_true", help="load no images but the pods' own")
        if verb is _images:
            sub.add_argument("names", nargs="*", metavar="IMAGE", help="such as engine or postgres; all without any")
    return parser
