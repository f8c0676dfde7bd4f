"""The token for the next attempt, from wherever the user keeps it."""

import asyncio

from setpoint.daemon_threads import in_daemon_thread
from setpoint.endings import Ended
from setpoint.settings import Token

__all__ = ["read_token"]


async def read_token(token: Token, *, timeout: float) -> str | Ended:
    """Return the present token, or why there is none. A function is called on a thread of its own."""
    if callable(token):
        try:
            async with asyncio.timeout(timeout):
                token = await in_daemon_thread(token, name="setpoint-token")
        except TimeoutError:
            return Ended("lost", f"the token function gave no answer within {timeout:g} s")
        except Exception as error:  # noqa: BLE001 the user's function may raise anything; its text may tell a secret
            return Ended("lost", f"the token function raised {type(error).__name__}")
    if not token:
        return Ended("denied", "there is no token: pass token= or set SETPOINT_TOKEN")
    if not (token.isascii() and token.isprintable() and " " not in token):
        return Ended("denied", "the token holds a character that a token cannot hold, such as a space or a line's end")
    return token
