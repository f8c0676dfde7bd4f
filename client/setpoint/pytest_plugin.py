"""The pytest plugin: a fixture `config` without thread or network, and a marker `setpoint` for its values.

Every pytest run where Setpoint is installed loads this module, so it asks for nothing beyond the package itself: what
tests use comes with the first one that asks for the fixture.
"""

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from setpoint.testing import LocalConfig

__all__ = ["config", "pytest_configure"]


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known."""
    config.addinivalue_line(
        "markers", "setpoint(NAMESPACE={KEY: VALUE}): values of the `config` fixture; the closest marker wins, by key"
    )


@pytest.fixture
def config(request: pytest.FixtureRequest) -> "Iterator[LocalConfig]":
    """A configuration of the test's own, with the values of its `setpoint` markers; see setpoint.testing."""
    from setpoint.testing import LocalConfig  # noqa: PLC0415 see the module's docstring

    values: dict[str, dict[str, object]] = {}
    # The closest comes first.
    for marker in reversed(list(request.node.iter_markers("setpoint"))):
        for namespaces in (*marker.args, marker.kwargs):
            for namespace, keys in namespaces.items():
                values.setdefault(namespace, {}).update(keys)
    local = LocalConfig(values)
    yield local
    local.close()
