"""Build the wheel and prove what is in it: the four packages and schema.sql, and no other top-level name."""

import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).parent.parent
EXPECTED = {"setpoint", "setpoint_hub", "setpoint_tui"}
MARKERS = {f"{package}/py.typed" for package in EXPECTED} | {"setpoint_hub/schema.sql"}


def main() -> None:
    """Exit with a sentence when the wheel is not as it should be."""
    with tempfile.TemporaryDirectory() as folder:
        build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, str(ROOT)]
        subprocess.run(build, check=True, stdout=subprocess.DEVNULL)  # noqa: S603  # our own interpreter
        (wheel,) = Path(folder).glob("*.whl")
        with zipfile.ZipFile(wheel) as opened:
            names = set(opened.namelist())
            schema = opened.read("setpoint_hub/schema.sql") if "setpoint_hub/schema.sql" in names else b""
    found = {name.partition("/")[0] for name in names}
    packages = {name for name in found if not name.endswith(".dist-info")}
    if packages != EXPECTED:
        sys.exit(f"the wheel holds {sorted(packages)} at its top, and should hold {sorted(EXPECTED)}")
    if missing := MARKERS - names:
        sys.exit(f"the wheel lacks {sorted(missing)}")
    if schema != (ROOT / "schema.sql").read_bytes():
        sys.exit("the wheel's schema.sql is not the one at the root")
    sys.stdout.write(f"the wheel holds {', '.join(sorted(packages))} and schema.sql, {len(names)} files\n")


if __name__ == "__main__":
    main()
