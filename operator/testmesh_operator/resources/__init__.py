"""Typed models of the kinds: the source of the definitions in crds/, and the facts read from Jobs and pods."""
