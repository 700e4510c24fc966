"""``python -m testmesh_engine``: the same as ``testmesh``."""

from testmesh_engine.cli.main import main

if __name__ == "__main__":
    main()
