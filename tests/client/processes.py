"""Small programs that embed the client, run as processes of their own."""

import os
import subprocess
import sys
import textwrap
from pathlib import Path

__all__ = ["run", "start"]


def start(script: str, **variables: object) -> subprocess.Popen[str]:
    """Start a script, with its variables in the environment."""
    return subprocess.Popen(
        # Scripts fork on purpose; from 3.12 on the interpreter warns of it.
        [sys.executable, "-W", "ignore:This process:DeprecationWarning", "-c", textwrap.dedent(script)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parent,
        env={**os.environ, **{name: str(value) for name, value in variables.items()}},
    )


def run(script: str, *, code: int = 0, logs: str = "", **variables: object) -> str:
    """Run a script to its end, which must be the expected one; give what it printed.

    Of what it logs, `logs` must be a part; without, it must log nothing.
    """
    with start(script, **variables) as process:
        output, errors = process.communicate(timeout=60)
    assert process.returncode == code, errors
    assert logs in errors if logs else errors == ""
    return output.strip()
