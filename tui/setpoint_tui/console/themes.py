"""The themes: Textual's own, and one of black, white and bright colours for those who need contrast."""

from textual.app import App
from textual.theme import Theme

__all__ = ["DEFAULT_THEME", "HIGH_CONTRAST", "register"]

DEFAULT_THEME = "setpoint"

_SETPOINT = Theme(
    name=DEFAULT_THEME,
    primary="#4ea1d3",
    secondary="#7f8fa6",
    accent="#f2b84b",
    warning="#e8a33d",
    error="#e5646e",
    success="#6cc08b",
    foreground="#d6dae0",
    background="#12161c",
    surface="#171c24",
    panel="#1f2630",
    dark=True,
    # By name, because a share of the foreground cannot be mixed into a text of several styles.
    variables={"text-muted": "#8a94a3"},
)

HIGH_CONTRAST = Theme(
    name="high-contrast",
    primary="#00ffff",
    secondary="#ffffff",
    accent="#ffff00",
    warning="#ffff00",
    error="#ff6060",
    success="#00ff00",
    foreground="#ffffff",
    background="#000000",
    surface="#000000",
    panel="#202020",
    dark=True,
    variables={"text-muted": "#ffffff", "border": "#ffffff"},
)


def register(app: App[None], wanted: str | None) -> None:
    """Register them and choose one; a name that there is not leaves the default."""
    app.register_theme(_SETPOINT)
    app.register_theme(HIGH_CONTRAST)
    app.theme = wanted if wanted in app.available_themes else DEFAULT_THEME
