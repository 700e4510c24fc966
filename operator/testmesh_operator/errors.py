"""The errors of the operator, and what becomes of each.

::

    OperatorError
    ├── SettingsError      the installation: an environment variable makes no sense          the process ends
    ├── LeaseLost          another operator holds the Lease, or the API server is away       the process ends
    ├── WatchLagging       the watch no longer brings what a list shows                      the process ends
    ├── CheckFailed        the engine's validator itself broke                               tried again
    └── ClusterError       the API server refused or could not be asked
        ├── NotFound       404                                                               decided on
        ├── AlreadyExists  409 of a create                                                   decided on
        ├── Conflict       409 of an update: the view was stale                              read again, tried again
        ├── Rejected       400, 413, 422: the object will never be taken                     decided on
        ├── Forbidden      403: RBAC, a quota, a namespace that is going                     decided on, tried again
        └── Unavailable    401, 410, 429, 5xx, no connection                                 tried again

Permanent or temporary is told by the class, and only here; foreign errors are mapped in cluster.py.
"""

from __future__ import annotations


class OperatorError(Exception):
    """Root of the tree: ``str()`` is one sentence for a person."""


class SettingsError(OperatorError):
    """The operator was started with settings that it can't work with."""


class LeaseLost(OperatorError):
    """This process must stop at once: another may be at work."""


class WatchLagging(OperatorError):
    """A list shows what the watch should have brought long ago; only a new process watches anew."""


class CheckFailed(OperatorError):
    """The validator ended without an answer: nothing is known about the flow."""


class ClusterError(OperatorError):
    """A request to the API server failed. ``status`` is the HTTP status, 0 without an answer."""

    def __init__(self, message: str, *, status: int = 0) -> None:
        super().__init__(message)
        self.status = status


class NotFound(ClusterError):
    """The object, or its namespace, is not there."""


class AlreadyExists(ClusterError):
    """An object of this name is there already."""


class Conflict(ClusterError):
    """The object has changed since it was read."""


class Rejected(ClusterError):
    """The API server will not take this object, now or later; the message names the field."""


class Forbidden(ClusterError):
    """The API server does not allow it: RBAC, an admission rule, a quota, a namespace that is being deleted."""


class Unavailable(ClusterError):
    """The API server could not be asked, or is too busy: temporary."""
