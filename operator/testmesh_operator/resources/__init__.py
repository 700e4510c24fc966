"""Typed models of the kinds: the source of the definitions in crds/."""
