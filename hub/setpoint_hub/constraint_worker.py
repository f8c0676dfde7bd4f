"""The process that checks constraints: a line of JSON in, a line out; the kernel ends it when a check takes too long.

Patterns, references and `uniqueItems` can cost any amount of time, inside calls that nothing in their own process
can interrupt. So they run here, where the hub's loop and its other connections do not wait for them.
"""

import contextlib
import json
import resource
import signal
import sys
from dataclasses import astuple
from typing import Any, Final

from setpoint.protocol.strict_json import loads
from setpoint_hub.constraints import UnusableConstraints, check_constraints, violations

__all__ = ["main"]

LARGEST_MEMORY: Final = 1024 * 1024 * 1024


def main() -> None:
    """Answer lines until there are no more."""
    # With its default action the alarm ends the process whatever it is at, also when nobody waits any more.
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    # Ctrl-C is for the hub, which closes our input when it ends.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_AS, (LARGEST_MEMORY, LARGEST_MEMORY))
    _write({"ready": True})
    for line in sys.stdin.buffer:
        asked = loads(line.decode())
        signal.setitimer(signal.ITIMER_REAL, asked["seconds"])
        answer = _answer(asked)
        signal.setitimer(signal.ITIMER_REAL, 0)
        _write(answer)


def _answer(asked: dict[str, Any]) -> dict[str, Any]:
    try:
        if "value" in asked:
            return {"violations": [astuple(found) for found in violations(asked["constraints"], asked["value"])]}
        text = check_constraints(asked["constraints"])
        # What refers to itself without end shows with any value.
        violations(asked["constraints"], None)
        return {"text": text}
    except UnusableConstraints as error:
        return {"unusable": str(error)}
    except RecursionError:
        return {"unusable": "the constraints refer to themselves without end"}
    except Exception as error:  # noqa: BLE001  # its traceback may repeat the value, which may be a secret
        return {"unusable": f"the constraints cannot be carried out ({type(error).__name__})"}


def _write(answer: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
