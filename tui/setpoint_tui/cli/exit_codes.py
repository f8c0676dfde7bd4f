"""What the command line tells scripts by its exit code."""

from enum import IntEnum

from setpoint.errors import HubUnreachable, InvalidName, InvalidValue, RequestFailed
from setpoint.protocol.jsonrpc import INVALID_PARAMS
from setpoint_tui.errors import Conflict, InvalidFile, InvalidSettings, NotFound

__all__ = ["EXIT_CODES_HELP", "ExitCode", "exit_code", "kind_of"]


class ExitCode(IntEnum):
    """The exit codes, the same for every command."""

    OK = 0
    UNEXPECTED = 1
    USAGE = 2
    DIFFERS = 2
    """Of `plan`, and of `compare --exit-code`, whose errors all exit with 1."""
    NOT_FOUND = 3
    CONFLICT = 4
    INVALID_VALUE = 5
    FORBIDDEN = 6
    UNREACHABLE = 7
    NOT_ALL = 8
    IN_REVIEW = 9
    BROKEN = 10


EXIT_CODES_HELP = (
    "Exit codes: 0 done · 1 unexpected · 2 usage · 3 not found · 4 conflict · 5 invalid value · "
    "6 forbidden or unauthorised · 7 hub unreachable or unavailable · "
    "8 applied, but not every live instance confirmed in time (only with --require-all) · "
    "9 not applied yet: it waits for a review · "
    "10 the audit is broken (audit verify). "
    "plan, and compare --exit-code: 0 no difference · 1 any error · 2 they differ"
)

_KINDS: tuple[tuple[type[Exception] | tuple[type[Exception], ...], str], ...] = (
    (NotFound, "not_found"),
    (Conflict, "conflict"),
    ((InvalidValue, InvalidName, InvalidFile), "invalid_value"),
    (HubUnreachable, "unavailable"),
    (InvalidSettings, "usage"),
)

_BY_KIND = {
    "not_found": ExitCode.NOT_FOUND,
    "conflict": ExitCode.CONFLICT,
    "invalid_value": ExitCode.INVALID_VALUE,
    "too_large": ExitCode.INVALID_VALUE,
    "forbidden": ExitCode.FORBIDDEN,
    "unauthorised": ExitCode.FORBIDDEN,
    "review_required": ExitCode.IN_REVIEW,
    "unavailable": ExitCode.UNREACHABLE,
    "rate_limited": ExitCode.UNREACHABLE,
    "usage": ExitCode.USAGE,
}


def kind_of(error: Exception) -> str:
    """Return the contract's word for an error, as `--json` shows it."""
    if isinstance(error, RequestFailed):
        if error.kind != "protocol":
            return error.kind
        return "usage" if error.code == INVALID_PARAMS else "unexpected"
    return next((kind for kinds, kind in _KINDS if isinstance(error, kinds)), "unexpected")


def exit_code(error: Exception) -> ExitCode:
    """Return the exit code for an error."""
    return _BY_KIND.get(kind_of(error), ExitCode.UNEXPECTED)
