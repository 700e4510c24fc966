"""Facts to status and conditions: pure functions."""
