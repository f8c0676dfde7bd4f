"""Whether the hub may listen where it is told to, and the certificate that it shows there."""

import ssl
from ipaddress import ip_address

from setpoint_hub.errors import StartRefused
from setpoint_hub.settings import HubSettings

__all__ = ["is_loopback", "tls_context"]


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
    try:
        # The password of an encrypted key would be asked for on a terminal that nobody watches.
        context.load_cert_chain(settings.tls_certificate, settings.tls_key, password=lambda: "")
    except OSError as error:
        files = " and ".join(str(file) for file in (settings.tls_certificate, settings.tls_key) if file is not None)
        raise StartRefused(f"TLS cannot be spoken with {files}: {error.strerror or error}") from error
    return context


def is_loopback(host: str) -> bool:
    """Say whether an address to listen on is reached from this machine alone; of a name only `localhost` is known."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
