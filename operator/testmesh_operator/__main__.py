"""``python -m testmesh_operator``."""

from testmesh_operator.main import main

main()
