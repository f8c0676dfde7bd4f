"""The compose file, the Dockerfile, the proxy and the docs name settings, files and ports that exist."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from setpoint import __version__
from setpoint_hub.database_users import DatabaseUser, user_of
from setpoint_hub.schema import SCHEMA_VERSION, schema_text
from setpoint_hub.settings import HubSettings

ROOT = Path(__file__).parents[2]
PREFIX = "SETPOINT_"


@pytest.fixture
def compose() -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    return content


def hubs_of(compose: dict[str, Any]) -> dict[str, dict[str, Any]]:
    services: dict[str, dict[str, Any]] = compose["services"]
    return {name: service for name, service in services.items() if service.get("command") == ["hub"]}


def database_user(url: str) -> DatabaseUser | None:
    return user_of(re.sub(r"\$\{.*?\}", "secret", url))


def test_compose_runs_two_hubs_behind_a_proxy_over_postgresql_17_and_valkey(compose: dict[str, Any]) -> None:
    assert sorted(hubs_of(compose)) == ["hub-a", "hub-b"]
    services = compose["services"]
    assert services["postgres"]["image"] == "postgres:17"
    assert services["valkey"]["image"].startswith("valkey/valkey:")
    assert set(services["proxy"]["depends_on"]) == set(hubs_of(compose))


def test_every_variable_of_a_hub_in_compose_is_one_of_its_settings(compose: dict[str, Any]) -> None:
    for service in hubs_of(compose).values():
        given = {name.removeprefix(PREFIX).lower() for name in service["environment"]}
        assert given <= HubSettings.model_fields.keys()
        values = {name.removeprefix(PREFIX).lower(): value for name, value in service["environment"].items()}
        settings = HubSettings(**values)
        assert settings.port == 8430
        assert settings.host == "0.0.0.0"  # noqa: S104  # inside a container


def test_compose_waits_for_the_schema_and_gives_a_hub_time_to_say_goodbye(compose: dict[str, Any]) -> None:
    assert compose["services"]["schema"]["command"] == ["schema", "apply"]
    for service in hubs_of(compose).values():
        assert service["depends_on"]["schema"] == {"condition": "service_completed_successfully"}
        grace = float(service["stop_grace_period"].removesuffix("s"))
        assert grace > 2 * float(service["environment"]["SETPOINT_SHUTDOWN_SECONDS"])


def test_compose_sets_no_password_of_its_own(compose: dict[str, Any]) -> None:
    password = compose["services"]["postgres"]["environment"]["POSTGRES_PASSWORD"]
    assert password.startswith("${POSTGRES_PASSWORD:?")
    for service in hubs_of(compose).values():
        assert "${HUB_PASSWORD:?" in service["environment"]["SETPOINT_DATABASE_URL"]


def test_in_compose_the_owner_applies_the_schema_and_hubs_are_somebody_else(compose: dict[str, Any]) -> None:
    given = compose["services"]["schema"]["environment"]
    owner, user = database_user(given["SETPOINT_OWNER_DATABASE_URL"]), database_user(given["SETPOINT_DATABASE_URL"])
    assert owner is not None
    assert owner.name == compose["services"]["postgres"]["environment"]["POSTGRES_USER"]
    for service in hubs_of(compose).values():
        assert "SETPOINT_OWNER_DATABASE_URL" not in service["environment"]
        assert database_user(service["environment"]["SETPOINT_DATABASE_URL"]) == user
    assert user is not None
    assert user.name != owner.name


def test_the_files_and_the_image_that_compose_names_are_there(compose: dict[str, Any]) -> None:
    mounted = compose["services"]["proxy"]["volumes"][0].split(":")[0]
    assert (ROOT / mounted).is_file()
    assert compose["services"]["hub-a"]["image"] == f"setpoint:{__version__}"
    assert (ROOT / "Dockerfile").is_file()


def test_the_secrets_of_compose_are_given_to_the_hubs_and_the_docs_say_how_to_make_them(
    compose: dict[str, Any],
) -> None:
    deploying, ignored = (ROOT / "docs" / "deploy.md").read_text(), (ROOT / ".gitignore").read_text().split()
    for name, secret in compose["secrets"].items():
        file = Path(secret["file"]).name
        assert f"> {file}" in deploying
        assert file in ignored
        for service in hubs_of(compose).values():
            assert name in service["secrets"]
            assert f"/run/secrets/{name}" in service["environment"].values()


def test_in_compose_the_hubs_believe_the_proxy_and_the_proxy_says_for_whom_it_asks(compose: dict[str, Any]) -> None:
    subnet = compose["networks"]["default"]["ipam"]["config"][0]["subnet"]
    for service in hubs_of(compose).values():
        assert service["environment"]["SETPOINT_TRUSTED_PROXIES"] == subnet
    assert "option forwardfor" in (ROOT / "docs" / "haproxy.cfg").read_text()


def test_the_proxy_reaches_every_hub_on_its_port(compose: dict[str, Any]) -> None:
    servers = re.findall(r"^ +server \S+ (\S+):(\d+)", (ROOT / "docs" / "haproxy.cfg").read_text(), re.MULTILINE)
    assert {name for name, _ in servers} == set(hubs_of(compose))
    assert {port for _, port in servers} == {"8430"}


def test_the_dockerfile_sets_settings_that_exist_and_installs_extras_that_exist() -> None:
    text = (ROOT / "Dockerfile").read_text()
    names = set(re.findall(r"^\s+SETPOINT_(\w+)=", text, re.MULTILINE))
    assert names
    assert {name.lower() for name in names} <= HubSettings.model_fields.keys()
    extras = re.search(r"'\.\[(.*?)\]'", text)
    assert extras is not None
    project = (ROOT / "pyproject.toml").read_text()
    for extra in extras.group(1).split(","):
        assert re.search(rf"^{extra} = \[", project, re.MULTILINE)


def test_the_docs_list_every_setting_with_its_default() -> None:
    rows = re.findall(r"^\| `SETPOINT_(\w+)` \|(.*?)\|", (ROOT / "docs" / "deploy.md").read_text(), re.MULTILINE)
    documented = {name.lower(): default.strip() for name, default in rows}
    assert documented.keys() == HubSettings.model_fields.keys()
    for name, field in HubSettings.model_fields.items():
        default = "" if field.is_required() or field.default in (None, ()) else field.default
        shown = documented[name]
        assert shown == str(default).lower() or float(shown) == float(default), name


def test_the_hub_and_the_schema_name_the_same_version() -> None:
    assert f"(schema_version) VALUES ({SCHEMA_VERSION})" in schema_text()
    assert f"schema_version > {SCHEMA_VERSION})" in schema_text()
