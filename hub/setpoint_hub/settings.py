"""The hub's settings: read once at the entry, from the environment and the command line."""

from pathlib import Path
from typing import Annotated, Any, cast

from pydantic import BeforeValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from setpoint_hub.errors import StartRefused
from setpoint_hub.origin import Network

__all__ = ["HubSettings", "read_settings"]

Seconds = Annotated[float, Field(gt=0)]


def _words(found: object) -> object:
    return tuple(word.strip() for word in found.split(",") if word.strip()) if isinstance(found, str) else found


class HubSettings(BaseSettings):
    """One hub. Each field is the environment variable `SETPOINT_` + its name in capitals."""

    model_config = SettingsConfigDict(env_prefix="SETPOINT_", frozen=True, extra="ignore", hide_input_in_errors=True)

    database_url: str
    """PostgreSQL 14 or newer, as a URL; several hosts with target_session_attrs=read-write reach a standby."""
    owner_database_url: str | None = None
    """The same database as the user who owns the tables: for `schema apply` and `up` alone; a hub never uses it."""
    redis_url: str
    """Redis 7 or Valkey, as redis://, rediss:// or unix://. Carries hints between hubs, never values."""
    host: str = "127.0.0.1"
    """Where to listen. Another address than loopback is refused without TLS, or `allow_plaintext`."""
    port: Annotated[int, Field(ge=0, le=65535)] = 8430
    """0 lets the system choose."""
    tls_certificate: Path | None = None
    """The certificate with its chain (PEM), to speak TLS on the port. A new one is taken up within seconds."""
    tls_key: Path | None = None
    """Its private key (PEM, without a password); not needed when it is in the certificate's file."""
    allow_plaintext: bool = False
    """Listen in clear on an address that other machines reach: for a hub behind a proxy that speaks TLS."""
    allowed_origins: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_words)] = ()
    """Origins whose pages may use the hub, with commas between; services and tools send none, and need none."""
    trusted_proxies: Annotated[tuple[Network, ...], NoDecode, BeforeValidator(_words)] = ()
    """Addresses or networks, with commas between, whose X-Forwarded-For is believed: for the audit, and only for it."""
    admin_token_file: Path | None = None
    """Holds the first admin token: registered when it exists, else made and written (0600) if there is none yet."""
    master_key_file: Path | None = None
    """Holds the master keys of secrets, one a line, the newest first. Without one this hub keeps no secrets."""
    master_key: SecretStr | None = None
    """The same in the environment, separated by commas, where a file cannot be had."""
    largest_share: Annotated[float, Field(gt=0, le=1)] = 0.25
    """The share of an environment's values that one change set may replace or take away without `force`."""
    share_from: Annotated[int, Field(ge=1)] = 20
    """Values that an environment has before that share counts: of a few, every change is a large part."""

    poll_seconds: Seconds = 1.0
    """How often the log is looked at without a hint: bounds what a lost hint costs."""
    heartbeat_seconds: Seconds = 10.0
    """What services are told to keep; three missed make an instance silent."""
    watch_flush_seconds: Seconds = 0.5
    """The shortest time between two statements on ConfigWatch."""
    watch_refresh_seconds: Seconds = 30.0
    """How often an instance that says nothing new is written."""
    acks_per_second: Seconds = 5000.0
    """What this hub is willing to receive: acknowledgements of one change are spread accordingly."""

    database_pool: Annotated[int, Field(ge=2, le=1000)] = 8
    """Connections to PostgreSQL, at most. Services need none of them."""
    database_timeout: Seconds = 3.0
    """One statement; PostgreSQL itself gives up after as long."""

    max_connections: Annotated[int, Field(ge=1)] = 12_000
    """Beyond it a connection is refused with 503, which sends the client to another hub."""
    max_connections_per_token: Annotated[int, Field(ge=1)] = 11_000
    """Beyond it one is refused with 429. A fleet may share one token; some room is left to who would mend it."""
    messages_per_second: Seconds = 2000.0
    """Of one connection, and twice as many at once: more than the database commits for one who asks in parallel."""
    token_use_seconds: Seconds = 60.0
    """How often the last use of a token is written."""
    handshake_seconds: Seconds = 5.0
    """A connection that has not finished its opening handshake by then is cut."""
    buffer_bytes: Annotated[int, Field(ge=64 * 1024)] = 1024 * 1024
    """Unsent bytes of one connection; beyond it the reader lags and gets its changes merged."""
    stalled_seconds: Seconds = 20.0
    """A reader that takes nothing for so long is cut, and resumes by its revision."""
    shutdown_seconds: Seconds = 5.0
    """How long a stop may take, and over how long clients are asked to spread their reconnects."""


def read_settings(**given: object) -> HubSettings:
    """Return the environment's settings with what is given, and not None, on top. Raises StartRefused."""
    try:
        return HubSettings(
            **cast("dict[str, Any]", {name: value for name, value in given.items() if value is not None})
        )
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        name = "SETPOINT_" + str(first["loc"][0]).upper()
        missing = first["type"] == "missing"
        reason = "is not set: say where the hub finds it" if missing else f"is not usable: {first['msg']}"
        raise StartRefused(f"{name} {reason}") from error
