"""Setpoint's client: a service's settings, read in nanoseconds, changed while it runs.

Reads never block and never fail; a service starts and runs whether or not a hub can be reached.
"""

from setpoint.binding import Bound
from setpoint.changes import Change
from setpoint.client import ConfigClient
from setpoint.detail import Detail
from setpoint.errors import InvalidValue, KeyNotFound, NotReady, SetpointError, WrongType
from setpoint.reads import NamespaceView, Snapshot
from setpoint.setting import Setting
from setpoint.status import State, Status
from setpoint.version import __version__

__all__ = [
    "Bound",
    "Change",
    "ConfigClient",
    "Detail",
    "InvalidValue",
    "KeyNotFound",
    "NamespaceView",
    "NotReady",
    "SetpointError",
    "Setting",
    "Snapshot",
    "State",
    "Status",
    "WrongType",
    "__version__",
]
