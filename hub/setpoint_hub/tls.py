"""Whether the hub may listen where it is told to, and the certificate that it shows there, also a renewed one."""

import logging
import ssl
from ipaddress import ip_address
from pathlib import Path

from setpoint_hub.errors import StartRefused
from setpoint_hub.settings import HubSettings

__all__ = ["Renewal", "is_loopback", "tls_context"]

log = logging.getLogger(__name__)


def tls_context(settings: HubSettings) -> ssl.SSLContext | None:
    """Return what the port speaks TLS with; None for a port that speaks in clear.

    Raises StartRefused when the files cannot be used, and for a port in clear that other machines can reach, unless
    it was asked for: tokens and values would travel for everybody on the way to read.
    """
    if settings.tls_certificate is None:
        if settings.tls_key is not None:
            raise StartRefused("SETPOINT_TLS_KEY is set without SETPOINT_TLS_CERTIFICATE: name both files")
        if not is_loopback(settings.host) and not settings.allow_plaintext:
            raise StartRefused(
                f"{settings.host or 'every address'} is not this machine's loopback, and without TLS tokens would "
                "travel in clear: set SETPOINT_TLS_CERTIFICATE and SETPOINT_TLS_KEY, or SETPOINT_ALLOW_PLAINTEXT=true "
                "where a proxy speaks TLS for the hub"
            )
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    _load(context, settings.tls_certificate, settings.tls_key)
    return context


class Renewal:
    """Notices that the certificate's files were replaced, and has new connections get the new one."""

    def __init__(self, context: ssl.SSLContext, certificate: Path, key: Path | None) -> None:
        self._context = context
        self._certificate = certificate
        self._key = key
        self._seen = self._state()

    def look(self) -> None:
        """Take up the files if they are others now; what is shown stays while they cannot be used."""
        state = self._state()
        if state == self._seen:
            return
        self._seen = state
        try:
            # First aside: of a certificate whose key is yet to be written nothing may get into use.
            _load(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), self._certificate, self._key)
            _load(self._context, self._certificate, self._key)
        except StartRefused as error:
            log.warning("the certificate is not renewed: %s", error)
        else:
            log.info("the certificate was renewed")

    def _state(self) -> list[tuple[int, int, int] | None]:
        return [_state_of(file) for file in (self._certificate, self._key) if file is not None]


def _state_of(file: Path) -> tuple[int, int, int] | None:
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns


def _load(context: ssl.SSLContext, certificate: Path, key: Path | None) -> None:
    try:
        # The password of an encrypted key would be asked for on a terminal that nobody watches.
        context.load_cert_chain(certificate, key, password=lambda: "")
    except OSError as error:
        files = " and ".join(str(file) for file in (certificate, key) if file is not None)
        raise StartRefused(f"TLS cannot be spoken with {files}: {error.strerror or error}") from error


def is_loopback(host: str) -> bool:
    """Say whether an address to listen on is reached from this machine alone; of a name only `localhost` is known."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
