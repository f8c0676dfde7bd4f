"""The file that the type checkers read runs too, so that it says nothing that is not so."""

import runpy
from pathlib import Path

import setpoint


def test_what_the_type_checkers_read_runs() -> None:
    runpy.run_path(str(Path(__file__).with_name("user.py")))["everything"]()
    assert Path(setpoint.__file__).with_name("py.typed").exists()
