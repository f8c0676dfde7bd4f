"""How far a change has reached: a bar, and the names of those that it has not."""

from collections.abc import Iterator

from textual.content import Content

from setpoint_tui.answers import Receipt
from setpoint_tui.formatting import behind_sentence, format_milliseconds

__all__ = ["reach_bar"]

_LONGEST_BAR = 40
_NAMED = 5


def reach_bar(receipt: Receipt, width: int) -> Iterator[Content]:
    """Yield the bar with its counts, how soon it was applied, and at most five that do not run it."""
    if receipt.instances == 0:
        yield Content.styled("no live instance watches it", "$text-muted")
        return
    counts = f" {receipt.current}/{receipt.instances}"
    cells = max(min(width - len(counts), _LONGEST_BAR), 4)
    filled = cells * receipt.current // receipt.instances
    style = "$text-success" if receipt.complete else "$text-warning"
    yield Content.assemble(("█" * filled, style), ("░" * (cells - filled), "$text-muted"), (counts, "bold"))
    applied = receipt.applied_ms
    if applied is not None and applied.p50 is not None and applied.max is not None:
        median, slowest = format_milliseconds(applied.p50), format_milliseconds(applied.max)
        yield Content.styled(f"{median} median, {slowest} slowest", "$text-muted")
    for one in receipt.behind_instances[:_NAMED]:
        yield Content.styled(behind_sentence(one), "$text-warning")
    left = receipt.instances - receipt.current - min(len(receipt.behind_instances), _NAMED)
    if left > 0:
        yield Content.styled(f"and {left} more", "$text-warning")
