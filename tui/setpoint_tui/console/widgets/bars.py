"""The bars of every screen: where we are and how fresh it is, what happened last, which keys there are."""

import time
from typing import TYPE_CHECKING, cast

from textual import events
from textual.content import Content
from textual.widgets import Static

from setpoint_tui.console.actions import ACTIONS
from setpoint_tui.formatting import counted, format_duration, format_revision
from setpoint_tui.model.link_state import CatchingUp, Connecting, LinkState, Live, Offline, Refused, Stalled
from setpoint_tui.model.model import Model
from setpoint_tui.model.notices import Severity
from setpoint_tui.model.own_writes import OwnWrite
from setpoint_tui.text_safety import safe_text

if TYPE_CHECKING:
    from setpoint_tui.console.app import Console
    from setpoint_tui.console.screens.base import ConsoleScreen

__all__ = ["Bar", "Hints", "NoticeLine", "TooSmall", "TopBar", "environment_badge", "link_words"]

_TABS = ("keys", "fleet", "reviews", "compare", "activity")

_SHOWN_SECONDS = 15.0
_WATCHED_SECONDS = 120.0
_URGENT_SECONDS = 8.0
_URGENT = (Severity.WARNING, Severity.ERROR)

_STYLES = {
    Severity.INFORMATION: "$text-muted",
    Severity.SUCCESS: "$text-success",
    Severity.WARNING: "$text-warning",
    Severity.ERROR: "bold $text-error",
}


def environment_badge(model: Model, env: str) -> Content:
    """Return an environment's name so that a protected one is told by its pattern and words, colour or not."""
    name = safe_text(env)
    found = model.environments.get(env)
    if found is None or not found.protected:
        return Content.assemble((f" {name} ", "bold reverse"))
    needed = found.required_approvals
    policy = f" protected · {counted(needed, 'approval')}" if needed else " protected"
    return Content.assemble((f"▓▓ {name} ▓▓", "bold $text-error reverse"), (policy, "$text-error"))


def link_words(state: LinkState, model: Model, now: float, env: str | None = None) -> Content:
    """Say how we stand with the hub, in words that need no colour; `env` is the one whose revision is told."""
    as_of = "" if model.data_as_of is None else f", data as of {model.data_as_of:%H:%M:%S}"
    match state:
        case Connecting():
            return Content.styled("○ connecting…", "$text-warning")
        case CatchingUp():
            return Content.styled("◌ catching up", "$text-warning")
        case Live(latency):
            env = env or model.selection.env
            revision = format_revision(model.revision(env)) if env else ""
            return Content.styled(f"● live {revision} {latency:.1f}s", "$text-success")
        case Stalled(since):
            return Content.styled(f"◐ stalled {format_duration(now - since)}{as_of}", "bold $text-warning")
        case Offline(since, retry_at):
            return Content.styled(
                f"✗ offline {_clock(now - since)}{as_of} · {_retry(retry_at, now)}", "bold $text-error"
            )
        case Refused(since):
            return Content.styled(f"✗ refused {_clock(now - since)}{as_of}", "bold $text-error")


def _clock(seconds: float) -> str:
    whole = max(0, int(seconds))
    return f"{whole // 60:02d}:{whole % 60:02d}"


def _retry(retry_at: float, now: float) -> str:
    left = retry_at - now
    return "retrying" if left <= 0 else f"retry in {left:.0f}s"


class Bar(Static):
    """A line that is drawn anew from the model, and only when its text is another."""

    def __init__(self) -> None:
        super().__init__(markup=False)
        self._drawn: Content | None = None

    @property
    def console(self) -> "Console":
        return cast("Console", self.app)

    def show(self) -> None:
        """Bring it up to date."""
        drawn = self.draw(self.console.bridge.model)
        if self._drawn is None or not drawn.is_same(self._drawn):
            self._drawn = drawn
            self.update(drawn)

    def draw(self, model: Model) -> Content:
        """Return what it says now."""
        raise NotImplementedError

    def on_resize(self) -> None:
        self.show()


class TopBar(Bar):
    """Two lines: the environment and the connection; the screens and what waits for us."""

    DEFAULT_CSS = """
    TopBar { height: 2; background: $panel; padding: 0 1; }
    """

    def on_mount(self) -> None:
        # Ages and countdowns move although nothing is heard.
        self.set_interval(0.5, self._tick)

    def on_click(self, event: events.Click) -> None:
        """Where we are is no place to go to, but who we are is told."""
        if event.y == 0 and event.x > self.size.width // 2:
            self.console.action_who()

    def _tick(self) -> None:
        if self.screen.is_current:
            self.show()

    def draw(self, model: Model) -> Content:
        width = max(self.size.width, 20)
        return Content("\n").join([_spread(*self._place(model, width), width), _spread(*self._screens(model), width)])

    def _place(self, model: Model, width: int) -> tuple[Content, Content]:
        env = cast("ConsoleScreen", self.screen).env_on_show
        left = environment_badge(model, env) if env else Content.styled(" setpoint ", "bold reverse")
        armed = model.arming.left(env or "", time.monotonic())
        if armed:
            left += Content.assemble("  ", (f" ARMED {_clock(armed)} ", "bold $text-warning reverse"))
        if width >= 72 and model.selection.namespace and env == model.selection.env:
            left += Content.styled(f"  {safe_text(model.selection.namespace)}", "bold")
        right = link_words(model.link, model, time.monotonic(), env)
        who = model.whoami
        if who is not None and width >= 100:
            right = Content.styled(f"{safe_text(who.user.name)} ({safe_text(who.role)})  ", "$text-muted") + right
        if width >= 100 and self.console.hub_name:
            right = Content.styled(f"{safe_text(self.console.hub_name)}  ", "$text-muted") + right
        return left, right

    def _screens(self, model: Model) -> tuple[Content, Content]:
        current = cast("ConsoleScreen", self.screen).NAME
        tabs: list[tuple[str, str] | str] = []
        for number, name in enumerate(_TABS, start=1):
            style = "bold reverse" if name == current else ""
            tabs += [(f" {number} {self.console.tab_title(name)} ", style), " "]
        counts: list[str] = []
        if len(model.drafts):
            counts.append(counted(len(model.drafts), "draft"))
        seen = model.fleet.get(model.selection.env or "")
        if seen is not None and seen.not_current:
            counts.append(f"{counted(seen.not_current, 'instance')} behind")
        return Content.assemble(*tabs), Content.styled("   ".join(counts), "bold $text-warning")


class NoticeLine(Bar):
    """One line: how far our last write has reached while it spreads, else what was said last.

    What went wrong is told first, for a while: a key that is refused must not seem to do nothing.
    """

    DEFAULT_CSS = """
    NoticeLine { height: 1; padding: 0 1; }
    """

    def draw(self, model: Model) -> Content:
        last = model.notices.last
        newest = model.own.newest
        now = time.monotonic()
        urgent = last is not None and last.severity in _URGENT and now - model.notices.last_at < _URGENT_SECONDS
        if newest is not None and not urgent and _is_spreading(newest, now):
            return _reach(newest).truncate(max(self.size.width - 2, 10), ellipsis=True)
        if last is None:
            return Content("")
        said = Content.assemble(
            (f"{last.at} {last.severity.value} ", "$text-muted"), (safe_text(last.text), _STYLES[last.severity])
        )
        return said.truncate(max(self.size.width - 2, 10), ellipsis=True)


class Hints(Bar):
    """The footer: at most seven keys of this screen, help first and quit last."""

    DEFAULT_CSS = """
    Hints { height: 1; background: $panel; padding: 0 1; }
    """

    def draw(self, model: Model) -> Content:
        del model
        screen = cast("ConsoleScreen", self.screen)
        hints = [self._hint(screen, name) for name in screen.HINTS]
        # Help stays first and quit last: where there is no room, those before quit go.
        while len(hints) > 2 and sum(hint.cell_length for hint in hints) > self.size.width - 2:
            del hints[-2]
        return Content("").join(hints)

    def _hint(self, screen: "ConsoleScreen", name: str) -> Content:
        styles = ("bold $text-accent", "") if screen.why_off(name) is None else ("dim", "dim")
        key = self.console.key_of(name)
        return Content.assemble((f" {key} ", styles[0]), (ACTIONS[name].title, styles[1]), " ")


class TooSmall(Bar):
    """What a terminal shows that is too small for anything else; the connection stays."""

    DEFAULT_CSS = """
    TooSmall { display: none; width: 100%; height: 100%; content-align: center middle; layer: above; }
    """

    def draw(self, model: Model) -> Content:
        size = self.app.size
        return Content(f"60 x 16 cells are the least; these are {size.width} x {size.height}. ").append(
            link_words(model.link, model, time.monotonic())
        )


def _is_spreading(write: OwnWrite, now: float) -> bool:
    """Whether its reach is worth the line: until it is complete and a while longer, but not for ever."""
    if write.revision is None or write.receipt is None:
        return False
    return now - write.at < (_SHOWN_SECONDS if write.receipt.complete else _WATCHED_SECONDS)


def _reach(write: OwnWrite) -> Content:
    receipt = write.receipt
    assert receipt is not None
    assert write.revision is not None
    head = f"{format_revision(write.revision)} {safe_text(write.title)}  "
    if receipt.instances == 0:
        return Content.assemble(("✓ ", "$text-success"), head, ("no live instance watches it", "$text-muted"))
    if receipt.complete:
        return Content.assemble(
            ("✓ ", "$text-success"), head, (f"{receipt.current}/{receipt.instances} run it", "$text-success")
        )
    behind = ", ".join(safe_text(one.client_id) for one in receipt.behind_instances[:3])
    more = receipt.instances - receipt.current - 3
    names = behind + (f" and {more} more" if more > 0 else "")
    return Content.assemble(
        ("… ", "$text-warning"), head, (f"{receipt.current}/{receipt.instances}", "bold"), f" · not yet: {names}"
    )


def _spread(left: Content, right: Content, width: int) -> Content:
    """Return a line with one part at each end; when there is no room for both, the left gives way."""
    room = width - right.cell_length - 1
    if room < left.cell_length:
        left = left.truncate(max(room, 0), ellipsis=True)
    return left + Content(" " * max(1, width - left.cell_length - right.cell_length)) + right
