"""TestMesh engine: reads a flow file, runs it against real services, and says exactly what went wrong.

Layers, one way only (held by import-linter)::

    cli -> runtime -> {actions, language, report} -> expressions -> contract -> errors
"""
