"""What all unit tests share."""

from __future__ import annotations

from hypothesis import settings

# The machines are shared: how long one example takes says nothing of the code. A slow test is pytest's to end.
settings.register_profile("shared-machine", deadline=None)
settings.load_profile("shared-machine")
