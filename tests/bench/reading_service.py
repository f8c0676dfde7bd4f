"""A service with a client of a real hub: `python -m bench.reading_service SECONDS NAMESPACE…`, as a process."""

import json
import resource
import sys
import time
from array import array
from pathlib import Path

from setpoint import ConfigClient


def main() -> None:
    """Start, say how that went, read for some seconds, say how long the reads took."""
    seconds, namespaces = float(sys.argv[1]), sys.argv[2:]
    before = resident()
    config = ConfigClient("bench", "staging", namespaces, snapshot_dir=None)
    began = time.perf_counter()
    config.start(wait=30)
    started, held = time.perf_counter() - began, resident() - before
    assert config.status().state == "live", config.status()
    keys = sum(len(config.namespace(name)) for name in namespaces)
    print(json.dumps({"started": started, "held": held, "keys": keys}), flush=True)
    revision = config.status().revision
    took = sorted(read(config, namespaces[0], seconds))
    print(
        json.dumps(
            {
                "reads": len(took),
                "changes": config.status().revision - revision,
                **{str(share): took[min(len(took) - 1, int(share * len(took)))] for share in (0.5, 0.99, 0.9999)},
                "max": took[-1],
            }
        ),
        flush=True,
    )


def read(config: ConfigClient, namespace: str, seconds: float) -> "array[int]":
    """Return the nanoseconds that each read took."""
    took = array("q")
    clock, get = time.perf_counter_ns, config.get_int
    end = clock() + int(seconds * 1e9)
    now = clock()
    while now < end:
        before = clock()
        get(namespace, "changing", 1)
        now = clock()
        took.append(now - before)
    return took


def resident() -> int:
    """Return the bytes of memory that this process has in use."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize()


if __name__ == "__main__":
    main()
