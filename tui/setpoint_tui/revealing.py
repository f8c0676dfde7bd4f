"""Asks the hub for the value of a secret, which puts on record who asked."""

from setpoint_tui.answers import read_answer
from setpoint_tui.feed import Feed
from setpoint_tui.model.keys import KeyId
from setpoint_tui.protected_answers import RevealedSecret

__all__ = ["reveal"]


async def reveal(feed: Feed, env: str, key: KeyId) -> RevealedSecret:
    """Return the active value of a secret in the clear. Raises SetpointError."""
    asked = {"env": env, "namespace": key[0], "key": key[1]}
    return read_answer(RevealedSecret, await feed.request("secret.reveal", asked))
