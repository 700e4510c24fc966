"""The engine's wire forms: what the operator, the command line and the reports read.

With ``language`` this is all of the engine that the operator may import; nothing here does I/O.
"""
