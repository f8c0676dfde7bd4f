"""HTTP: health, readiness, metrics, and the snapshot for those who poll. Pure: a request in, an answer out."""

import gzip
import json
from collections import OrderedDict
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import parse_qs

from setpoint.errors import InvalidName, RequestFailed
from setpoint.protocol.messages import MOST_NAMESPACES
from setpoint.protocol.names import Revision, check_client_id, check_namespace
from setpoint_hub.access import Principal
from setpoint_hub.follower import Follower
from setpoint_hub.instance import Poll
from setpoint_hub.metrics import exposition
from setpoint_hub.reach import Reach, check_operation, check_reach
from setpoint_hub.replica import Replica
from setpoint_hub.roles import Operation

__all__ = ["Answer", "HttpApi", "WebSocketPath", "error_answer"]

WebSocketPath: Final = "/v1/ws"
_JSON: Final = {"Content-Type": "application/json"}
_EXPOSITION: Final = "text/plain; version=0.0.4; charset=utf-8"
_LARGEST_UNCOMPRESSED: Final = 1024
_LONGEST_REVISION: Final = 19  # digits of 2**63 - 1

Polled = Callable[[Poll], None]
"""Told of each poll of an instance that says who it is."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True)
class _Encoded:
    tag: str
    revision: Revision
    body: bytes
    compressed: bytes

    @property
    def size(self) -> int:
        return len(self.body) + len(self.compressed)


def error_answer(status: int, code: str, message: str) -> Answer:
    """Return an error in the shape that every error has."""
    body = json.dumps({"error": {"code": code, "message": message}}, ensure_ascii=False).encode()
    return Answer(status, body, _JSON)


class HttpApi:
    """Answers GET requests from memory."""

    _REMEMBERED = 256
    _REMEMBERED_BYTES = 64 * 1024 * 1024

    def __init__(self, follower: Follower, *, trouble: Callable[[], str | None], polled: Polled) -> None:
        self._follower = follower
        self._trouble = trouble
        self._polled = polled
        self._open: Final[Mapping[str, Callable[[], Answer]]] = {
            "/healthz": lambda: Answer(200, b'{"status":"ok"}', _JSON),
            "/readyz": self._readiness,
            "/metrics": lambda: Answer(200, exposition(), {"Content-Type": _EXPOSITION}),
        }
        # Encoding and compressing a large snapshot takes a while; pollers mostly ask for the same few.
        self._encoded: OrderedDict[tuple[str, tuple[str, ...]], _Encoded] = OrderedDict()

    @property
    def open_paths(self) -> Collection[str]:
        """The paths that need no token."""
        return self._open.keys()

    def open_to_all(self, path: str) -> Answer | None:
        """Answer the paths that need no token; None when the path is another."""
        place = path.partition("?")[0]
        return self._open[place]() if place in self._open else None

    def answer(self, path: str, headers: Mapping[str, str], principal: Principal) -> Answer:
        """Answer the paths that need a token, to whom it stands for."""
        place, _, asked = path.partition("?")
        if place != "/v1/snapshot":
            return error_answer(404, "not_found", f"there is nothing at {place[:100]}; see docs/protocol.md")
        try:
            query = parse_qs(asked, keep_blank_values=True, max_num_fields=MOST_NAMESPACES + 10)
        except ValueError:
            return error_answer(400, "bad_request", f"at most {MOST_NAMESPACES} namespaces are answered at once")
        return self._snapshot(query, headers, principal)

    def _readiness(self) -> Answer:
        trouble = self._trouble()
        if trouble is None:
            return Answer(200, b'{"status":"ready"}', _JSON)
        body = json.dumps({"status": "waiting", "reason": trouble}, ensure_ascii=False).encode()
        return Answer(503, body, _JSON)

    def _snapshot(self, query: Mapping[str, list[str]], headers: Mapping[str, str], principal: Principal) -> Answer:
        envs, asked = query.get("env", []), query.get("namespace", [])
        if len(envs) != 1 or not envs[0] or not asked or len(asked) > MOST_NAMESPACES:
            message = f"ask with one env and 1 to {MOST_NAMESPACES} of namespace: ?env=E&namespace=N&namespace=M"
            return error_answer(400, "bad_request", message)
        try:
            namespaces = tuple(dict.fromkeys(str(check_namespace(name)) for name in asked))
        except InvalidName as error:
            return error_answer(400, "bad_request", str(error))
        try:
            check_operation(principal, Operation.READ)
            check_reach(principal, Reach((envs[0],), namespaces))
        except RequestFailed as error:
            return error_answer(403, error.kind, error.message)
        if not self._follower.loaded:
            return error_answer(503, "unavailable", self._follower.trouble or "this hub is not ready: try again soon")
        replica = self._follower.replicas.get(envs[0])
        if replica is None:
            return error_answer(404, "not_found", f"there is no environment {envs[0][:40]}")
        self._note_poll(replica, namespaces, headers, principal.user_id)
        return self._encoded_answer(replica, namespaces, headers)

    def _encoded_answer(self, replica: Replica, namespaces: tuple[str, ...], headers: Mapping[str, str]) -> Answer:
        tag = f'"{replica.epoch}.{replica.touched(namespaces)}"'
        shared = {"ETag": tag, "Cache-Control": "no-cache", "Vary": "Accept-Encoding, Authorization"}
        if tag in headers.get("If-None-Match", ""):
            return Answer(304, b"", shared)
        encoded = self._encode(replica, namespaces, tag)
        shared |= _JSON
        if encoded.compressed and accepts_gzip(headers.get("Accept-Encoding", "")):
            return Answer(200, encoded.compressed, {**shared, "Content-Encoding": "gzip"})
        return Answer(200, encoded.body, shared)

    def _encode(self, replica: Replica, namespaces: tuple[str, ...], tag: str) -> _Encoded:
        key = (replica.env, namespaces)
        known = self._encoded.get(key)
        if known is not None and (known.tag, known.revision) == (tag, replica.revision):
            self._encoded.move_to_end(key)
            return known
        body = (
            f'{{"env":"{replica.env}","epoch":"{replica.epoch}","revision":{replica.revision},'
            f'"namespaces":{replica.full(namespaces)}}}'
        ).encode()
        compressed = gzip.compress(body, compresslevel=1) if len(body) > _LARGEST_UNCOMPRESSED else b""
        encoded = self._encoded[key] = _Encoded(tag, replica.revision, body, compressed)
        self._encoded.move_to_end(key)
        self._forget()
        return encoded

    def _forget(self) -> None:
        # Whoever asks for the same namespaces in every order would have as many snapshots kept.
        size = sum(encoded.size for encoded in self._encoded.values())
        while len(self._encoded) > self._REMEMBERED or (size > self._REMEMBERED_BYTES and len(self._encoded) > 1):
            _, forgotten = self._encoded.popitem(last=False)
            size -= forgotten.size

    def _note_poll(
        self, replica: Replica, namespaces: tuple[str, ...], headers: Mapping[str, str], user_id: int
    ) -> None:
        client_id = headers.get("Setpoint-Client-Id", "")
        service = headers.get("Setpoint-Service", "")
        revision = headers.get("Setpoint-Revision", "")
        if not service or len(service) > 100 or not (revision.isdecimal() and revision.isascii()):
            return
        try:
            check_client_id(client_id)
        except InvalidName:
            return
        # Nobody runs what has not happened: a revision of another history is not taken for ours.
        if len(revision) <= _LONGEST_REVISION and int(revision) <= replica.revision:
            self._polled(Poll(client_id, user_id, service, replica.env, namespaces, Revision(int(revision))))


def accepts_gzip(header: str) -> bool:
    """Say whether an Accept-Encoding header takes gzip: named, and not with a quality of 0. Pure."""
    for part in header.lower().split(","):
        name, _, parameters = part.partition(";")
        if name.strip() == "gzip":
            quality = parameters.replace(" ", "").removeprefix("q=")
            return not quality.startswith("0") or quality.strip("0.") != ""
    return False
