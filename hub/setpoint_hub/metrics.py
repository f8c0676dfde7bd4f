"""What the hub counts, for Prometheus."""

from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

__all__ = [
    "CHANGES_SENT",
    "CHANGE_SETS",
    "CONNECTIONS",
    "DELAY",
    "HINTS",
    "LAGGING",
    "REDIS_CONNECTED",
    "REQUESTS",
    "REVISION",
    "STALLED",
    "STATEMENTS",
    "WATCHERS",
    "exposition",
]

# Of its own, so that a process that embeds a hub keeps its default registry to itself.
_registry: Final = CollectorRegistry()

STATEMENTS: Final = Counter("setpoint_database_statements", "Statements sent to PostgreSQL", registry=_registry)
CONNECTIONS: Final = Gauge("setpoint_connections", "Open WebSocket connections", registry=_registry)
WATCHERS: Final = Gauge("setpoint_watchers", "Instances that watch by push", ["env"], registry=_registry)
LAGGING: Final = Gauge("setpoint_lagging_watchers", "Watchers whose buffer is full", registry=_registry)
STALLED: Final = Counter("setpoint_stalled_connections", "Connections cut: nothing was read", registry=_registry)
REVISION: Final = Gauge("setpoint_revision", "The revision that this hub holds", ["env"], registry=_registry)
CHANGE_SETS: Final = Counter("setpoint_change_sets", "Change sets relayed", ["env"], registry=_registry)
CHANGES_SENT: Final = Counter("setpoint_change_frames", "Change frames written to sockets", registry=_registry)
HINTS: Final = Counter("setpoint_hints", "Hints over Redis", ["direction"], registry=_registry)
REDIS_CONNECTED: Final = Gauge("setpoint_redis_connected", "1 while subscribed to Redis", registry=_registry)
REQUESTS: Final = Counter("setpoint_requests", "Requests answered", ["method", "outcome"], registry=_registry)
DELAY: Final = Histogram(
    "setpoint_applied_seconds",
    "From the commit of a change set to its being visible in an instance",
    buckets=(0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 30),
    registry=_registry,
)


def exposition() -> bytes:
    """Return the text exposition."""
    return generate_latest(_registry)
