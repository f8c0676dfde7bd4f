"""One service of the fleet as a process: several real clients, each with its own memory and its own socket.

It says `ready NAME` for each instance, answers each line `NAMESPACE KEY` of its standard input with what every
instance reads at that moment, and ends when its standard input does.
"""

import sys

from setpoint import ConfigClient
from setpoint.protocol.strict_json import dumps

__all__ = ["main"]

_START_SECONDS = 20.0


def main() -> None:
    """Run with the arguments SERVICE ENV INSTANCES NAMESPACE…; SETPOINT_URL and SETPOINT_TOKEN say where."""
    service, env, instances, *namespaces = sys.argv[1:]
    clients = {
        name: ConfigClient(service, env, namespaces, client_id=name)
        for name in (f"{service}-{number}" for number in range(1, int(instances) + 1))
    }
    for client in clients.values():
        client.start(wait=0)
    for name, client in clients.items():
        if not client.wait_ready(_START_SECONDS):
            sys.exit(f"{name} got no settings: {client.status().last_error}")
        _say(f"ready {name}")
    for line in sys.stdin:
        namespace, key = line.split()
        _say(dumps({name: client.get(namespace, key) for name, client in clients.items()}))
    for client in clients.values():
        client.close()


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
