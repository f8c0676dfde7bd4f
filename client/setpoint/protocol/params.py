"""What a hub checks of what clients ask and tell: the params of `watch` and `heartbeat`.

Apart from the other messages because only hubs need it: importing the client does not import pydantic.
"""

from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from setpoint.errors import InvalidName
from setpoint.protocol.messages import MOST_NAMESPACES, Source, Status
from setpoint.protocol.names import CLIENT_ID_LENGTH, check_client_id, check_environment, check_namespace

__all__ = [
    "EnvironmentName",
    "HeartbeatParams",
    "NamespaceName",
    "WatchParams",
    "WireModel",
]

MOST_LABELS = 20
"""Labels that one client may have."""
LONGEST_REASON = 4096
"""Characters of a refusal's reason that are kept."""


class WireModel(BaseModel):
    """A message's params: types are taken as they stand, members that are not known are ignored."""

    model_config = ConfigDict(strict=True, extra="ignore", frozen=True, hide_input_in_errors=True)


def _named(check: Any) -> AfterValidator:
    def validate(name: str) -> str:
        try:
            return str(check(name))
        except InvalidName as error:
            raise ValueError(str(error)) from error

    return AfterValidator(validate)


EnvironmentName = Annotated[str, _named(check_environment)]
NamespaceName = Annotated[str, _named(check_namespace)]
ClientId = Annotated[str, _named(check_client_id)]


def _shortened(reason: str) -> str:
    """Keep the beginning of a reason that is too long to store: a refusal must not be lost for its length."""
    return reason[:LONGEST_REASON].encode(errors="replace").decode()


Label = Annotated[str, Field(max_length=200)]


class WatchParams(WireModel):
    """What a client asks to follow, and what it holds already (`epoch` and `revision`, or neither)."""

    client_id: ClientId
    service: Annotated[str, Field(min_length=1, max_length=CLIENT_ID_LENGTH)]
    env: str
    namespaces: Annotated[list[NamespaceName], Field(min_length=1, max_length=MOST_NAMESPACES)]
    epoch: str | None = None
    revision: Annotated[int, Field(ge=0)] | None = None
    sdk: Annotated[str, Field(max_length=100)] | None = None
    labels: Annotated[dict[Label, Label], Field(max_length=MOST_LABELS)] = {}


class HeartbeatParams(WireModel):
    """What an instance runs now.

    `applied_ms_ago` is how long before sending the revision became visible, in milliseconds: a hub can tell
    when an instance applied a change although acknowledgements are spread over time, without equal clocks.
    """

    revision: Annotated[int, Field(ge=0)]
    status: Status
    source: Source
    error: Annotated[str, AfterValidator(_shortened)] | None = None
    applied_ms_ago: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None
