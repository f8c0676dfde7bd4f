"""`make bench`: every measurement, or those named; `ARGS="push --clients 200"` runs one with its options."""

import argparse
import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from bench import console, console_table, keys, push, reads
from bench.table import Table, machine

BENCHES: dict[str, Callable[[argparse.Namespace], Coroutine[Any, Any, list[Table]]]] = {
    "push": push.run,
    "keys": keys.run,
    "reads": reads.run,
    "table": console_table.run,
    "console": console.run,
}


def main() -> None:
    """Run what was asked for and print its tables."""
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"{', '.join(BENCHES)} (default: all)")
    parser.add_argument("--clients", type=int, default=1000, help="watching connections (1000)")
    parser.add_argument("--changes", type=int, default=60, help="changes pushed to them (60)")
    parser.add_argument("--keys", type=int, default=10_000, help="keys in one environment (10000)")
    parser.add_argument("--rows", type=int, default=100_000, help="rows in the console's table (100000)")
    asked = parser.parse_args()
    unknown = set(asked.names) - BENCHES.keys()
    if unknown:
        parser.error(f"there is no bench {', '.join(sorted(unknown))}: choose from {', '.join(BENCHES)}")
    print(machine())
    for name in asked.names or BENCHES:
        for table in asyncio.run(BENCHES[name](asked)):
            print(f"\n{table.text()}")


if __name__ == "__main__":
    main()
