"""`python tests/cluster/node VERB`: see tests/cluster/README.md."""

import sys
from pathlib import Path

# Python puts this folder first, and then its modules would hide others of the same names.
sys.path[0] = str(Path(__file__).resolve().parents[2])

from cluster.node.cli import main  # noqa: E402 -- findable from here on

sys.exit(main(sys.argv[1:]))
