"""What a console leaves behind for the next one, a file per hub: where it was, drafts, writes of unknown outcome."""

import hashlib
import json
import os
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, cast

__all__ = ["KeptState", "state_file"]


def state_file(folder: Path, hub_url: str) -> Path:
    """Return the file of a hub, whatever characters its address holds."""
    return folder / f"{hashlib.sha256(hub_url.encode()).hexdigest()[:16]}.json"


class KeptState:
    """A small JSON file that is replaced whole. Nothing that is wrong with it or its disk ends a console."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.trouble: str | None = None
        """Why the last read or write failed, as a sentence; None: it did not."""

    def read(self) -> dict[str, Any]:
        """Return what was kept; nothing when there is no file, or one that cannot be read, which is set aside."""
        try:
            found: Any = json.loads(self.path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, RecursionError) as error:
            return self._set_aside(str(error))
        return cast("dict[str, Any]", found) if isinstance(found, dict) else self._set_aside("it holds no object")

    def _set_aside(self, reason: str) -> dict[str, Any]:
        self.trouble = f"{self.path} could not be read ({reason}): it was set aside as {self.path.name}.broken"
        with suppress(OSError):
            self.path.replace(self.path.with_name(f"{self.path.name}.broken"))
        return {}

    def write(self, state: Mapping[str, Any]) -> None:
        """Replace the file, readable by its owner alone: a draft may hold what others should not see."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            handle, name = tempfile.mkstemp(dir=self.path.parent, prefix=".setpoint-")
            try:
                with os.fdopen(handle, "w", encoding="utf-8") as file:
                    json.dump(state, file, ensure_ascii=False, indent=1)
                    file.flush()
                    os.fsync(file.fileno())
                Path(name).replace(self.path)
            except BaseException:
                Path(name).unlink(missing_ok=True)
                raise
            self.trouble = None
        except (OSError, UnicodeError) as error:
            self.trouble = f"drafts are not kept: {self.path} cannot be written ({error})"
