"""The version of this distribution."""

from typing import Final

__all__ = ["TOOL", "__version__"]

__version__: Final = "0.1.0"

TOOL: Final = f"setpoint-python/{__version__}"
"""What a client calls itself to a hub."""
