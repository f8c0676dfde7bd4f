"""Who we are and what we may do, as lines: from the hub's own word about our token."""

from collections.abc import Iterator
from datetime import UTC, datetime

from textual.content import Content

from setpoint_tui.answers import Powers, WhoAmI
from setpoint_tui.console.widgets.bars import environment_badge
from setpoint_tui.formatting import format_duration
from setpoint_tui.model.model import Model
from setpoint_tui.model.policy import may_break_glass
from setpoint_tui.text_safety import safe_text

__all__ = ["who_lines"]

_POWERS = (
    ("read", "read"),
    ("write", "write at once"),
    ("propose", "propose changes"),
    ("approve", "approve"),
    ("administer", "administer"),
)
_ROLES = {
    "reader": "watches and reads; to change something ask for the role editor",
    "editor": "writes where nothing is protected, and proposes where it is; an approver approves",
    "approver": "does that, approves what others propose, and takes the newest change of others back",
    "admin": "may do everything within reach",
}
_SOON_SECONDS = 7 * 86_400.0


def who_lines(model: Model, now: datetime | None = None) -> Iterator[Content]:
    """Yield user, role, reach and expiry, then for each environment what may be done there."""
    who = model.whoami
    if who is None:
        yield Content.styled("the hub has not said yet who you are", "$text-muted")
        return
    role = safe_text(who.role, limit=40)
    yield _line("user", safe_text(who.user.name, limit=100))
    yield _line("role", f"{role}: {_ROLES[who.role]}" if who.role in _ROLES else role)
    yield _line("reaches", f"{_patterns(who.environments)}  of the namespaces  {_patterns(who.namespaces)}")
    yield _expiry(who, now or datetime.now(UTC))
    yield _line("hub", f"{safe_text(who.hub, limit=60)} {safe_text(who.version, limit=40)}")
    yield Content("")
    for env in model.environments:
        glass = ", break the glass" if may_break_glass(model, env) else ""
        yield Content.assemble(environment_badge(model, env), f"  {_may(who, env)}{glass}")


def _may(who: WhoAmI, env: str) -> str:
    powers = who.may.get(env)
    if powers is None:
        return "nothing is known of what you may do there" if not who.may else "out of your token's reach"
    said = [words for name, words in _POWERS if _has(powers, name)]
    return ", ".join(said) or "nothing"


def _has(powers: Powers, name: str) -> bool:
    # Who writes at once has nothing to propose.
    return bool(getattr(powers, name)) and not (name == "propose" and powers.write)


def _patterns(patterns: tuple[str, ...]) -> str:
    return safe_text(", ".join("all" if one == "*" else one for one in patterns), limit=300) or "nothing"


def _expiry(who: WhoAmI, now: datetime) -> Content:
    if who.expires_at is None:
        return _line("expires", "never")
    left = (who.expires_at - now).total_seconds()
    words = f"in {format_duration(left)}, at {who.expires_at.astimezone():%Y-%m-%d %H:%M}"
    return _line("expires", words, "bold $text-warning" if left < _SOON_SECONDS else "")


def _line(label: str, words: str, style: str = "") -> Content:
    return Content.assemble((f"{label:<9}", "$text-muted"), (words, style))
