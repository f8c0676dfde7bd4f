"""The entry point of `setpoint`."""

import sys

__all__ = ["main"]


def main() -> None:
    """Run the command line of this process."""
    try:
        from setpoint_tui.cli.boundary import run  # noqa: PLC0415 - typer and rich may not be installed
    except ModuleNotFoundError as missing:
        if missing.name not in ("typer", "rich", "textual"):
            raise
        sys.stderr.write("setpoint: the command line is not installed: pip install 'setpoint[tui]'\n")
        sys.exit(1)
    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
