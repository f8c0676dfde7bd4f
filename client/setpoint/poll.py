"""One poll: GET /v1/snapshot, on a daemon thread, within a total deadline whatever the hub does."""

import asyncio
import contextlib
import socket
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any, cast
from urllib.parse import urlencode

from setpoint.addresses import Address
from setpoint.daemon_threads import in_daemon_thread
from setpoint.endings import Ended, by_http_status, why_ended
from setpoint.errors import HubUnreachable, ProtocolError
from setpoint.protocol.messages import Full, decode_snapshot
from setpoint.protocol.strict_json import loads
from setpoint.settings import Identity
from setpoint.version import TOOL

__all__ = ["LARGEST_SNAPSHOT", "Polled", "poll"]

LARGEST_SNAPSHOT = 64 * 1024 * 1024
"""Bytes of a snapshot, before and after it is decompressed."""


@dataclass(frozen=True, slots=True)
class Polled:
    """An answer; without an update, the tag that was sent still holds."""

    update: Full | None
    etag: str | None


async def poll(
    address: Address,
    token: str,
    identity: Identity,
    *,
    revision: int | None,
    etag: str | None,
    deadline: float,
) -> Polled | Ended:
    """Ask a hub for what the identity watches.

    `revision` is what the client runs, so that the fleet shows it; None keeps the client out of the fleet. `etag` is
    sent along, for an answer without a body when nothing has changed. Redirects are not followed.
    """
    query = urlencode([("env", identity.env), *(("namespace", name) for name in identity.namespaces)])
    headers = {
        "Authorization": f"Bearer {token}",
        "Accept-Encoding": "gzip",
        "Connection": "close",
        "User-Agent": TOOL,
    }
    if etag is not None:
        headers["If-None-Match"] = etag
    # A header carries ASCII only; names in other scripts go without.
    if revision is not None and identity.client_id.isascii() and identity.service.isascii():
        headers["Setpoint-Client-Id"] = identity.client_id
        headers["Setpoint-Service"] = identity.service
        headers["Setpoint-Revision"] = str(revision)
    exchange = _Exchange(address, deadline)
    try:
        async with asyncio.timeout(deadline):
            target = f"{address.snapshot_path}?{query}"
            return await in_daemon_thread(partial(exchange.run, target, headers), name="setpoint-poll")
    except TimeoutError:
        return Ended("lost", f"the hub gave no whole answer within {deadline:g} s")
    except (OSError, HTTPException, ValueError, ProtocolError, HubUnreachable) as error:
        return why_ended(error)
    finally:
        exchange.cut()


class _Exchange:
    """One request and its answer; `cut` ends it from another thread."""

    def __init__(self, address: Address, timeout: float) -> None:
        kind = HTTPSConnection if address.secure else HTTPConnection
        self._connection = kind(address.host, address.port, timeout=timeout)
        self._socket: socket.socket | None = None
        self._is_cut = False

    def run(self, target: str, headers: Mapping[str, str]) -> Polled | Ended:
        with contextlib.closing(self._connection):
            self._connection.connect()
            # Kept here because http.client lets go of it before the body is read.
            self._socket = self._connection.sock
            if self._is_cut:
                raise HubUnreachable("the poll was given up")
            self._connection.request("GET", target, headers=dict(headers))
            with self._connection.getresponse() as response:
                body = response.read(LARGEST_SNAPSHOT + 1)
            match response.status:
                case 200:
                    text = _text(body, response.headers.get("Content-Encoding", ""))
                    return Polled(decode_snapshot(loads(text)), response.headers.get("ETag"))
                case 304:
                    return Polled(None, None)
                case status:
                    return by_http_status(status, _message(body))

    def cut(self) -> None:
        """Wake the thread out of whatever it waits for on the socket."""
        self._is_cut = True
        if self._socket is not None:
            with contextlib.suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)


def _text(body: bytes, encoding: str) -> str:
    if encoding == "gzip":
        body = _decompress(body)
    elif encoding not in ("", "identity"):
        raise ProtocolError("the snapshot comes in an encoding that was not asked for")
    if len(body) > LARGEST_SNAPSHOT:
        raise ProtocolError("the snapshot is too large")
    return body.decode()


def _decompress(body: bytes) -> bytes:
    gzip = zlib.decompressobj(16 + zlib.MAX_WBITS)
    try:
        plain = gzip.decompress(body, LARGEST_SNAPSHOT + 1)
    except zlib.error as error:
        raise ProtocolError("the snapshot is not gzip, as its header says") from error
    if not gzip.eof and len(plain) <= LARGEST_SNAPSHOT:
        raise HubUnreachable("the snapshot was cut off")
    return plain


def _message(body: bytes) -> str:
    """Return the message of an error's JSON body, if it is one."""
    with contextlib.suppress(Exception):
        found = cast("dict[str, Any]", loads(body[:4096].decode()))
        return str(found["error"]["message"])
    return ""
