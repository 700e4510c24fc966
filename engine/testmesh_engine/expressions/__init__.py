"""The expressions of assertions, conditions and placeholders: pure functions over values."""
