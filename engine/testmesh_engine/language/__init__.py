"""Text to model: YAML with positions, the flow's model, everything that validation knows."""
