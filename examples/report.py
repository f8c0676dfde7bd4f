"""A script: it reads a few settings that belong together, and ends without closing anything."""

from setpoint import ConfigClient


def report(config: ConfigClient) -> str:
    """Say what payments are configured to do, all of one revision."""
    config.start(wait=2)
    view = config.snapshot()
    retries = view.get_int("payments", "max_retries", 3)
    timeout = view.get_float("payments", "timeout_seconds", 1.5)
    return f"revision {view.revision}: {retries} retries of {timeout:g} s, at most {(retries + 1) * timeout:g} s in all"


if __name__ == "__main__":
    print(report(ConfigClient("report", "staging", ["payments"])))
