"""Secrets: in the clear for services and by reveal, and nowhere else; sealed for one place, under a master key."""

import asyncio
import hashlib
import json
import logging
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeAlias
from uuid import uuid4

import asyncpg
import pytest
from redis.asyncio import Redis

from setpoint.protocol.audit_lines import read_line
from setpoint.protocol.chain import Link
from setpoint.protocol.strict_json import dumps
from setpoint_hub.chain import request_fingerprint
from setpoint_hub.errors import HubError, StartRefused
from setpoint_hub.plan import Anything
from setpoint_hub.rotation import rotate
from setpoint_hub.sealing import new_master_key, read_master_key
from setpoint_hub.settings import HubSettings
from support.chains import verified
from support.databases import as_hub
from support.hubs import Hubs, RunningHub, issue_token
from support.programs import run_program
from support.tokens import token_of
from support.waiting import eventually
from support.wire import Wire, http

pytestmark = pytest.mark.usefixtures("open_production")

Database: TypeAlias = "asyncpg.Connection[asyncpg.Record]"

CLEAR = "hunter2-correct-horse"
API_KEY: dict[str, Any] = {"namespace": "payments", "key": "api_key"}
STAGING: dict[str, Any] = {"env": "staging", **API_KEY}
OLD, NEW = new_master_key(), new_master_key()

_CHANGE = """
    SELECT k.namespace, k.key, k.value_type, v.version_id, v.value
    FROM ConfigVersion v JOIN ConfigKey k USING (key_id)
"""
_TABLES = "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'"


@pytest.fixture
async def keeping(hubs: Hubs) -> RunningHub:
    """A hub with a master key."""
    return await hubs.start(master_key=OLD)


@pytest.fixture
async def operator(keeping: RunningHub) -> AsyncGenerator[Wire]:
    """A connection to it, where the secret `payments/api_key` exists without a value."""
    async with keeping.connect() as wire:
        await make_secret(wire)
        yield wire


async def make_secret(wire: Wire, key: str = "api_key", value_type: str = "string", **others: Any) -> Any:
    return await wire.ask("key.create", namespace="payments", key=key, type=value_type, secret=True, **others)


async def dump(database: Database) -> str:
    """Return every row of every table, as text, with what bytes hold as text too."""
    tables = [row["table_name"] for row in await database.fetch(_TABLES)]
    rows = [row for name in tables for row in await database.fetch(f'SELECT * FROM "{name}"')]  # noqa: S608
    values = [value for row in rows for value in row.values()]
    return "\n".join(value.decode("latin-1") if isinstance(value, bytes) else str(value) for value in values)


@asynccontextmanager
async def monitored(redis_url: str) -> AsyncGenerator[list[str]]:
    """Collect every command that Redis gets."""
    seen: list[str] = []
    client: Redis = Redis.from_url(redis_url)
    async with client, client.monitor() as monitor:

        async def collect() -> None:
            while True:
                seen.append(str((await monitor.next_command())["command"]))

        collecting = asyncio.create_task(collect())
        try:
            yield seen
        finally:
            collecting.cancel()
            await asyncio.wait([collecting])


def settings_of(hubs: Hubs, *keys: str) -> HubSettings:
    return HubSettings(database_url=as_hub(hubs.database_url), redis_url=hubs.redis_url, master_key=",".join(keys))


async def test_a_secret_is_in_the_clear_for_services_and_nowhere_else(
    keeping: RunningHub,
    operator: Wire,
    database: Database,
    redis_url: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    # As the program sets it: this one logs frames.
    caplog.set_level(logging.CRITICAL, logger="websockets")
    said: list[Any] = []
    async with monitored(redis_url) as commands, keeping.connect() as service, keeping.connect() as follower:
        await follower.ask("activity.watch")
        await service.watch()
        first = await operator.set(CLEAR, "api_key", note="first")
        change = await service.next()
        said += [first, await follower.next("activity")]
        second = await operator.set(CLEAR + "-rotated", "api_key", request_id=str(uuid4()))
        version = first["changes"][0]["version"]
        said += [second, await operator.ask("rollback", **STAGING, version=version, note="back")]
        said += [
            await operator.ask("key.get", **API_KEY),
            await operator.ask("key.list", env="staging"),
            await operator.ask("history", **STAGING),
            await operator.ask("snapshot", env="staging"),
            await operator.ask("snapshot", env="staging", at=1),
            await operator.ask("change_set.get", env="staging", revision=1),
        ]
        for wrong in (
            {"value": {CLEAR: 1}},
            {"value": CLEAR * 2000},
            {"value": CLEAR + "\x00"},
            {"value": CLEAR, "expected_version": str(uuid4())},
            {"value": CLEAR, "delete": True},
        ):
            refused = await operator.refusal("set", env="staging", changes=[{**API_KEY, **wrong}])
            said.append([refused.message, refused.data])
        await eventually(lambda: sum("config:changes:payments:staging" in command for command in commands) >= 3)
        polled = (await keeping.get("/v1/snapshot?env=staging&namespace=payments")).json

    entry = change["namespaces"]["payments"]["api_key"]
    assert entry == {"type": "string", "value": CLEAR, "version": version, "secret": True}
    assert polled["namespaces"]["payments"]["api_key"] == entry
    assert (await operator.watch())["namespaces"]["payments"]["api_key"] == entry
    for place in (json.dumps(said), await dump(database), "\n".join(commands), caplog.text):
        assert CLEAR not in place
        assert CLEAR[::-1] not in place
    assert all(CLEAR not in str(record.__dict__) for record in caplog.records)


async def test_masks_tell_same_from_different_across_environments_and_not_across_keys(operator: Wire) -> None:
    await make_secret(operator, "other")
    await operator.set(CLEAR, "api_key")
    await operator.set(CLEAR, "api_key", env="production")
    await operator.set("another", "api_key", env="development")
    await operator.set(CLEAR, "other")
    shown = (await operator.ask("key.get", **API_KEY))["environments"]
    masks = {env: found["value"] for env, found in shown.items()}
    (other,) = (await operator.ask("key.get", namespace="payments", key="other"))["environments"].values()
    assert masks["staging"] == masks["production"]
    assert masks["staging"].keys() == {"secret", "fingerprint"}
    assert (
        len({masks["staging"]["fingerprint"], masks["development"]["fingerprint"], other["value"]["fingerprint"]}) == 3
    )


@pytest.mark.parametrize(
    ("value_type", "value"), [("int", 4711), ("float", 0.5), ("bool", True), ("json", {"user": "a", "password": CLEAR})]
)
async def test_secrets_have_every_type(keeping: RunningHub, operator: Wire, value_type: str, value: object) -> None:
    await make_secret(operator, "typed", value_type)
    await operator.set(value, "typed")
    revealed = await operator.ask("secret.reveal", env="staging", namespace="payments", key="typed")
    assert revealed["value"] == value
    held = (await keeping.get("/v1/snapshot?env=staging&namespace=payments")).json
    assert held["namespaces"]["payments"]["typed"]["value"] == value


async def test_errors_of_a_secret_repeat_nothing_of_it(operator: Wire) -> None:
    await make_secret(operator, "doc", "json", constraints={"additionalProperties": False, "maxProperties": 0})
    name = '"namespace":"payments","key":"doc"'
    twice = f'{{"env":"staging","changes":[{{{name},"value":{{"{CLEAR}":1,"{CLEAR}":2}}}}]}}'
    ambiguous = await operator.refusal_of_text("set", twice)
    broken = await operator.refusal(
        "set", env="staging", changes=[{"namespace": "payments", "key": "doc", "value": {CLEAR: 1}}]
    )
    assert ambiguous.kind == broken.kind == "invalid_value"
    assert CLEAR[:8] not in ambiguous.message + broken.message
    assert "maxProperties: 0" in broken.message


async def test_constraints_of_secrets_are_checked_in_the_clear(operator: Wire) -> None:
    await operator.set("short", "api_key")
    refused = await operator.refusal("key.update", **API_KEY, constraints={"minLength": 8})
    updated = await operator.ask("key.update", **API_KEY, constraints={"minLength": 8}, force=True)
    as_before = await operator.set("brief", "api_key")
    assert refused.message.startswith(
        "payments/api_key: active values break these constraints: in staging the value breaks"
    )
    assert "short" not in refused.message + json.dumps(updated)
    assert as_before["warnings"][0]["message"] == "the value breaks the constraint minLength: 8, as before"
    await operator.set(CLEAR, "api_key")
    again = await operator.refusal("set", env="staging", changes=[{**API_KEY, "value": "x"}])
    assert "minLength: 8" in again.message


async def test_a_request_that_is_repeated_answers_what_happened(operator: Wire) -> None:
    request_id = str(uuid4())
    first = await operator.set(CLEAR, "api_key", request_id=request_id)
    again = await operator.set(CLEAR, "api_key", request_id=request_id)
    other = await operator.refusal(
        "set", env="staging", changes=[{**API_KEY, "value": "other"}], request_id=request_id, note=""
    )
    assert (again["repeated"], again["revision"]) == (True, first["revision"])
    assert other.kind == "conflict"


async def test_what_is_stored_of_a_request_cannot_be_guessed_from(operator: Wire, database: Database) -> None:
    await operator.create_key("plain", "string")
    for key, is_guessed in (("plain", True), ("api_key", False)):
        done = await operator.set(CLEAR, key)
        held = await operator.ask("key.get", namespace="payments", key=key)
        guess = request_fingerprint("set", "staging", "", [[held["key_id"], f'"{CLEAR}"', str(Anything)]])
        stored = await database.fetchval(
            "SELECT request_hash FROM ChangeSet WHERE env = 'staging' AND revision = $1", done["revision"]
        )
        assert (stored == guess) == is_guessed


async def test_a_reveal_is_for_editors_and_on_record(
    keeping: RunningHub, hubs: Hubs, operator: Wire, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    missing = await operator.refusal("secret.reveal", **STAGING)
    await operator.set(CLEAR, "api_key")
    await operator.create_key("plain")
    revealed = await operator.ask("secret.reveal", **STAGING)
    plain = await operator.refusal("secret.reveal", env="staging", namespace="payments", key="plain")
    token, _ = await issue_token(hubs.database_url, name="service", role="reader")
    async with keeping.connect_once_known(token) as reader:
        refused = await reader.refusal("secret.reveal", **STAGING)
    assert (revealed["value"], missing.kind, plain.code, refused.kind) == (CLEAR, "not_found", -32602, "forbidden")

    async def recorded() -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = (await operator.ask("audit.log", limit=2))["entries"]
        return found if found[0]["kind"] == "refused" else []

    denied, reveal = await eventually(recorded)
    assert (denied["by"]["name"], denied["about"]["method"]) == ("service", "secret.reveal")
    assert (reveal["kind"], reveal["by"]["name"]) == ("secret.reveal", "admin")
    assert (reveal["env"], reveal["namespace"], reveal["key"]) == ("staging", "payments", "api_key")
    assert reveal["about"] == {"version": revealed["version"]}
    assert CLEAR not in caplog.text + json.dumps([denied, reveal])


async def test_a_secret_that_cannot_be_recorded_is_not_shown(operator: Wire, database: Database) -> None:
    await operator.set(CLEAR, "api_key")
    await database.execute("REVOKE INSERT ON AuditEvent FROM setpoint_hub")
    refused = await operator.refusal("secret.reveal", **STAGING)
    assert (refused.code, CLEAR in refused.message) == (-32603, False)


async def test_a_hub_without_a_master_key_keeps_no_secrets_and_runs(wire: Wire) -> None:
    refused = await wire.refusal("key.create", namespace="payments", key="s", type="string", secret=True)
    assert "SETPOINT_MASTER_KEY_FILE" in refused.message
    assert (await wire.set(3))["revision"] == 1


@pytest.mark.parametrize("given", [{"master_key": NEW}, {}], ids=["another", "none"])
async def test_a_hub_with_the_wrong_master_key_refuses_to_start(
    hubs: Hubs, operator: Wire, given: dict[str, Any]
) -> None:
    await operator.set(CLEAR, "api_key")
    with pytest.raises(StartRefused) as refused:
        await hubs.start(**given)
    assert read_master_key(OLD).id in str(refused.value)
    assert OLD not in str(refused.value)
    said = {"database_url": hubs.database_url, "redis_url": hubs.redis_url, "port": "0", **given}
    status, line = await run_program("hub", settings=said)
    assert (status, line.startswith("setpoint: the database holds secrets under the master key")) == (1, True)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "holds no master key"),
        ("spk_short\n", "is not usable"),
        (f"{OLD}\nnonsense\n", "is not usable"),
        (None, "cannot be read"),
    ],
    # The keys differ from run to run, and names of tests may not.
    ids=["empty", "short", "a line that is none", "no file"],
)
async def test_a_master_key_file_that_is_none_is_told(
    hubs: Hubs, tmp_path: Path, content: str | None, said: str
) -> None:
    file = tmp_path / "master.key"
    if content is not None:
        file.write_text(content)
    with pytest.raises(StartRefused, match=said) as refused:
        await hubs.start(master_key_file=file)
    assert OLD not in str(refused.value)
    with pytest.raises(StartRefused, match="both set"):
        await hubs.start(master_key_file=file, master_key=OLD)


async def test_two_hubs_read_what_either_of_them_writes(hubs: Hubs, tmp_path: Path) -> None:
    file = tmp_path / "master.key"
    file.write_text(f"# the first\n\n{OLD}\n")
    one, two = await hubs.start(master_key=OLD), await hubs.start(master_key_file=file)
    async with one.connect() as here, two.connect() as there, two.connect() as service:
        await make_secret(here)
        await service.watch()
        await here.set(CLEAR, "api_key")
        assert (await service.next())["namespaces"]["payments"]["api_key"]["value"] == CLEAR
        await there.set("second", "api_key")
        assert (await service.next())["namespaces"]["payments"]["api_key"]["value"] == "second"
        assert (await here.ask("secret.reveal", **STAGING))["value"] == "second"


async def test_a_rotation_moves_every_secret_while_hubs_go_on(hubs: Hubs, database: Database) -> None:
    both = await hubs.start(master_key=f"{NEW},{OLD}")
    old_id, new_id = read_master_key(OLD).id, read_master_key(NEW).id
    async with both.connect() as wire:
        await make_secret(wire)
        await wire.set("zero", "api_key")
    assert await database.fetchval("SELECT master_key FROM SecretKeyring") == new_id
    # From NEW to OLD, which is as good as the other way round: the first one named is the newest.
    before = (await database.fetch("SELECT value FROM ConfigVersion"))[0]["value"]
    said = await rotate(settings_of(hubs, OLD, NEW))
    assert said == f"1 keys of secrets were wrapped anew, all are under {old_id} now; no secret needs {new_id} any more"
    assert await database.fetchval("SELECT value FROM ConfigVersion") == before
    async with both.connect() as wire:
        (told,) = (await wire.ask("audit.log", kind="secrets"))["entries"]
        assert (told["by"], told["about"]) == (None, {"master_key": old_id, "wrapped_anew": 1})
        await wire.set("one", "api_key")
        same = await wire.set("zero", "api_key", env="production")
        history = await wire.ask("history", **STAGING)
        assert [row[0] for row in await database.fetch("SELECT DISTINCT master_key FROM ConfigVersion")] == [old_id]
        # Fingerprints stay comparable over a rotation.
        assert same["changes"][0]["new"] == history["versions"][-1]["value"]
    after = await hubs.start(master_key=OLD)
    async with after.connect() as wire:
        assert (await wire.ask("secret.reveal", **STAGING))["value"] == "one"
    with pytest.raises(StartRefused):
        await hubs.start(master_key=NEW)


async def test_a_rotation_goes_in_batches_and_a_second_one_changes_nothing(
    hubs: Hubs, operator: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("setpoint_hub.store.keyrings.BATCH", 2)
    for number in range(5):
        await operator.set(f"{CLEAR}{number}", "api_key")
    assert (await rotate(settings_of(hubs, NEW, OLD))).startswith("5 keys of secrets were wrapped anew")
    assert (await rotate(settings_of(hubs, NEW, OLD))).startswith("0 keys")


async def test_a_rotation_that_cannot_be_says_why_and_changes_nothing(
    hubs: Hubs, operator: Wire, database: Database
) -> None:
    await operator.set(CLEAR, "api_key")
    with pytest.raises(HubError, match=read_master_key(OLD).id):
        await rotate(settings_of(hubs, NEW))
    without = HubSettings(database_url=hubs.database_url, redis_url=hubs.redis_url)
    with pytest.raises(StartRefused, match="no master key is given"):
        await rotate(without)
    assert await database.fetchval("SELECT master_key FROM SecretKeyring") == read_master_key(OLD).id


_SWAP = """
    UPDATE ConfigVersion SET value = other.value, wrapped_key = other.wrapped_key
    FROM ConfigVersion other WHERE ConfigVersion.version_id = $1 AND other.version_id = $2
"""


async def swap(database: Database, version: str, other: str) -> None:
    """Put the sealed value of another version in the place of one, as only a superuser can."""
    await database.execute("ALTER TABLE ConfigVersion DISABLE TRIGGER USER")
    await database.execute(_SWAP, version, other)
    await database.execute("ALTER TABLE ConfigVersion ENABLE TRIGGER USER")


@pytest.mark.parametrize("other", ["version", "key", "environment"])
async def test_a_sealed_value_that_was_moved_is_refused_everywhere(
    hubs: Hubs, operator: Wire, database: Database, caplog: pytest.LogCaptureFixture, other: str
) -> None:
    await make_secret(operator, "other")
    zero = (await operator.set("zero", "api_key"))["changes"][0]["version"]
    first = (await operator.set("first", "api_key"))["changes"][0]["version"]
    moved = {
        "version": await operator.set("second", "api_key"),
        "key": await operator.set("third", "other"),
        "environment": await operator.set("fourth", "api_key", env="production"),
    }[other]["changes"][0]["version"]
    active = (await operator.ask("key.get", **API_KEY))["environments"]["staging"]["version"]
    await swap(database, first, moved)
    rolled_back = await operator.refusal("rollback", **STAGING, version=first, note="")
    assert rolled_back.kind == "invalid_value"
    assert "moved or altered" in rolled_back.message
    await swap(database, active, zero)
    revealed = await operator.refusal("secret.reveal", **STAGING)
    assert "moved or altered" in revealed.message
    fresh = await hubs.start(master_key=OLD, wait_until_ready=False)
    trouble = "a stored secret does not open: it was moved or altered past the hub"
    # Whoever asks whether it is ready has no token, and learns no names: those are in the log.
    await eventually(lambda: fresh.hub.trouble == f"{trouble} (the hub's log names the key)")
    assert f"payments/api_key in staging: {trouble}" in caplog.text
    assert "api_key" not in (await http(fresh.address, "/readyz")).body.decode()
    # A new value takes its place, and what is held opens again.
    await operator.set("fifth", "api_key")
    await eventually(lambda: fresh.hub.trouble is None)


async def test_a_hub_that_cannot_open_what_is_new_serves_what_it_holds(hubs: Hubs, operator: Wire) -> None:
    other = await hubs.start()
    async with other.connect() as service:
        await service.watch()
        await operator.create_key()
        await operator.set(3)
        assert (await service.next())["namespaces"]["payments"]["max_retries"]["value"] == 3
        await operator.set(CLEAR, "api_key")
        await eventually(lambda: "master key" in (other.hub.trouble or ""))
        assert other.revision() == 1
        assert service.notified.empty()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE ConfigVersion SET wrapped_key = wrapped_key",
        "UPDATE ConfigVersion SET wrapped_key = NULL, master_key = NULL",
        "UPDATE ConfigVersion SET value = value, wrapped_key = wrapped_key",
        "DELETE FROM SecretKeyring",
        "TRUNCATE SecretKeyring",
        "UPDATE ConfigKey SET secret = false",
        """INSERT INTO ConfigVersion (key_id, value, env, is_active, changed_by)
           SELECT key_id, '"clear"', 'production', false, 1 FROM ConfigKey WHERE secret""",
        """INSERT INTO ConfigVersion (key_id, value, env, is_active, changed_by)
           SELECT key_id, value, env, false, 1 FROM ConfigVersion""",
        """INSERT INTO ConfigVersion (key_id, value, wrapped_key, master_key, env, is_active, changed_by)
           SELECT (SELECT key_id FROM ConfigKey WHERE key = 'doc'), value, wrapped_key, master_key, env, false, 1
           FROM ConfigVersion""",
    ],
)
async def test_the_database_keeps_secrets_sealed_whoever_writes(
    operator: Wire, database: Database, statement: str
) -> None:
    await operator.create_key("doc", "json")
    await operator.set(CLEAR, "api_key")
    with pytest.raises((asyncpg.CheckViolationError, asyncpg.RestrictViolationError)):
        await database.execute(statement)


async def test_the_chain_covers_what_is_sealed_and_verifies_without_a_master_key(
    operator: Wire, database: Database
) -> None:
    await operator.set(CLEAR, "api_key")
    change = await database.fetchrow(_CHANGE)
    assert change is not None
    sealed = change["value"]
    assert json.loads(sealed).keys() == {"ciphertext", "fingerprint"}
    # Whoever verifies an export has neither the database nor a key.
    (line,) = (await operator.ask("audit.export", env="staging"))["lines"]
    read = read_line(dumps(line))
    assert isinstance(read, Link)
    assert verified([read]) is None
    assert line["changes"][0]["content"] == hashlib.sha256(sealed.encode()).hexdigest()
    await database.execute("SET session_replication_role = replica")
    await database.execute("UPDATE ConfigVersion SET value = replace(value, 'fingerprint\":\"', 'fingerprint\":\"0')")
    assert (await operator.ask("audit.verify", env="staging"))["broken"]["revision"] == 1


async def test_a_promotion_seals_a_secret_anew_for_its_target(
    keeping: RunningHub, operator: Wire, database: Database
) -> None:
    await operator.set(CLEAR, "api_key")
    await operator.set("another", "api_key", env="production")
    compared = await operator.ask("compare", source="staging", target="production")
    promoted = await operator.ask("promote", source="staging", target="production", note="")
    again = await operator.ask("compare", source="staging", target="production")
    held = (await keeping.get("/v1/snapshot?env=production&namespace=payments")).json
    (row,) = compared["rows"]
    assert (row["state"], row["secret"], row["valid"]) == ("changed", True, True)
    assert row["source"]["value"].keys() == {"secret", "fingerprint"}
    assert CLEAR not in json.dumps([compared, promoted, again])
    assert (again["same"], again["different"]) == (1, 0)
    assert held["namespaces"]["payments"]["api_key"]["value"] == CLEAR
    stored = [row["value"] for row in await database.fetch("SELECT value FROM ConfigVersion WHERE is_active")]
    assert len(set(stored)) == 2
    assert CLEAR not in await dump(database)


async def test_a_secret_that_breaks_its_constraints_or_does_not_open_is_not_promoted(
    operator: Wire, database: Database
) -> None:
    await operator.set("short", "api_key")
    await operator.ask("key.update", **API_KEY, constraints={"minLength": 8}, force=True)
    broken = await operator.refusal("promote", source="staging", target="production", note="")
    first = (await operator.set(CLEAR, "api_key"))["changes"][0]["version"]
    other = (await operator.set(CLEAR + "2", "api_key", env="development"))["changes"][0]["version"]
    await swap(database, first, other)
    moved = await operator.refusal("promote", source="staging", target="production", note="")
    assert "breaks the constraint minLength: 8" in broken.message
    assert "moved or altered" in moved.message
    assert await operator.revision("production") == 0


async def test_a_token_is_shown_masks_of_what_it_reaches_and_promotes_that_alone(
    keeping: RunningHub, operator: Wire
) -> None:
    beyond = {"namespace": "payments2", "key": "api_key"}
    await operator.ask("key.create", **beyond, type="string", secret=True)
    await operator.set_all([{**API_KEY, "value": CLEAR}, {**beyond, "value": CLEAR}])
    await operator.set("of production", "api_key", env="production")
    token = await token_of(keeping, "editor", ["staging", "development"], ["payments"])
    async with keeping.connect(token) as bound:
        shown = (await bound.ask("key.get", **API_KEY))["environments"]
        compared = await bound.ask("compare", source="staging", target="development")
        promoted = await bound.ask("promote", source="staging", target="development", note="")
        revealed = await bound.ask("secret.reveal", env="development", **API_KEY)
        refused = await bound.refusal("secret.reveal", env="production", **API_KEY)
        elsewhere = await bound.refusal("secret.reveal", env="staging", **beyond)
    assert list(shown) == ["staging"]
    assert (len(compared["rows"]), compared["different"]) == (1, 1)
    assert [change["namespace"] for change in promoted["changes"]] == ["payments"]
    assert CLEAR not in json.dumps([shown, compared, promoted])
    assert revealed["value"] == CLEAR
    assert refused.data["needs"] == {"environment": "production"}
    assert elsewhere.data["needs"] == {"namespace": "payments2"}


@pytest.mark.parametrize("constraints", [{"pattern": "^of production$"}, {"pattern": "^another$"}])
async def test_constraints_cannot_be_used_to_guess_a_secret_out_of_reach(
    keeping: RunningHub, operator: Wire, constraints: dict[str, Any]
) -> None:
    await operator.set("of production", "api_key", env="production")
    token = await token_of(keeping, "editor", ["staging"], ["payments"])
    async with keeping.connect(token) as bound:
        refused = await bound.refusal("key.update", **API_KEY, constraints=constraints)
        forced = await bound.ask("key.update", **API_KEY, constraints=constraints, force=True)
    said = "in another environment the value cannot be checked: this token does not reach it"
    assert refused.message.startswith(f"payments/api_key: active values break these constraints: {said}")
    assert forced["warnings"] == [{"env": None, "message": "the value cannot be checked: this token does not reach it"}]


async def test_the_mark_of_a_secret_is_not_taken_for_its_value(operator: Wire) -> None:
    await make_secret(operator, "doc", "json")
    await operator.set({"password": CLEAR}, "doc")
    shown = await operator.ask("key.get", namespace="payments", key="doc")
    mark = shown["environments"]["staging"]["value"]
    refused = await operator.refusal(
        "set", env="staging", changes=[{"namespace": "payments", "key": "doc", "value": mark}]
    )
    assert "is the mark" in refused.message
