"""Rows as filters see them."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@dataclass(frozen=True)
class Row:
    """One key in one environment."""

    namespace: str = "payments"
    key: str = "checkout.retry.max"
    type: str = "int"
    owner: str = "team-payments"
    tags: tuple[str, ...] = ()
    value_text: str = "3"
    changed_at: datetime | None = NOW - timedelta(hours=2)

    @property
    def name(self) -> str:
        """What it is listed under."""
        return f"{self.namespace}/{self.key}"
