"""The verbs of `python tests/cluster/node`."""

import sys
from cluster.node import settings
from cluster.node.localnode import LocalNode
from cluster.node.progress import Progress
from cluster.node.errors import NodeError


def main(argv):
    p = Progress()
    n = LocalNode(settings.read(), p)
    try:
        if argv[0] == "up":
            print(n.up())
        if argv[0] == "down":
            print(n.down())
        if argv[0] == "status":
            print(n.ailments())
    except NodeError as e:
        print(f"error: {e}", file=sys.stderr)
        return 1
    p.say("done")
    return 0
