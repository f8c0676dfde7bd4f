"""The audit: what is on record, who may not rewrite it quietly, and what leaves it."""

import json
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeAlias

import asyncpg
import pytest

from setpoint.protocol.audit_lines import read_line
from setpoint.protocol.chain import Link
from setpoint.protocol.strict_json import dumps
from setpoint_hub import refusals
from setpoint_hub.audit import BY_HUB, Event
from setpoint_hub.schema import schema_text
from setpoint_hub.store import chains
from setpoint_hub.store.audit import Audit
from setpoint_hub.store.audit import append as append_event
from support.chains import verified
from support.hubs import Hubs, RunningHub, issue_token
from support.tokens import give_token, token_of
from support.waiting import eventually
from support.wire import Wire, http

Database: TypeAlias = "asyncpg.Connection[asyncpg.Record]"


@pytest.fixture
async def history(wire: Wire) -> Wire:
    """A connection to a hub whose staging has five revisions, and which has three events."""
    await wire.create_key("text", "string")
    await wire.set(1, note="first")
    await wire.set(2, note="second")
    await wire.set("a", "text", note="third")
    await wire.delete("text", note="fourth")
    version = (await wire.ask("change_set.get", env="staging", revision=1))["changes"][0]["version"]
    await wire.ask("rollback", env="staging", namespace="payments", key="max_retries", version=version, note="fifth")
    await wire.ask("environment.protect", env="production", protected=False)
    return wire


@pytest.fixture
async def superuser(database: Database) -> Database:
    """A superuser's connection on which no trigger and no reference stands in the way."""
    await database.execute("SET session_replication_role = replica")
    return database


async def verdict(wire: Wire, **asked: Any) -> tuple[int | None, str]:
    """Verify staging unless told otherwise; return the first broken link and the reason."""
    found = await wire.ask("audit.verify", **(asked or {"env": "staging"}))
    assert found["ok"] == (found["broken"] is None)
    return (None, "") if found["ok"] else (found["broken"]["revision"], found["broken"]["reason"])


async def lines_of(wire: Wire, env: str | None, *, limit: int = 500) -> list[dict[str, Any]]:
    lines: list[dict[str, Any]] = []
    asked: dict[str, Any] = {"limit": limit, **({} if env is None else {"env": env})}
    while True:
        page = await wire.ask("audit.export", **asked)
        lines += page["lines"]
        if page["next"] is None:
            return lines
        asked["after"] = page["next"]


async def test_an_untouched_history_verifies_and_says_where_it_stands(history: Wire, database: Database) -> None:
    found = await history.ask("audit.verify", env="staging")
    head = await database.fetchval("SELECT head_hash FROM Environment WHERE env = 'staging'")
    assert found == {
        "env": "staging",
        "ok": True,
        "revisions": 5,
        "head": {"revision": 5, "hash": head.hex()},
        "broken": None,
    }
    everything = await history.ask("audit.verify")
    assert everything["ok"]
    assert {chain["env"]: chain["revisions"] for chain in everything["chains"]} == {
        "development": 0,
        "staging": 5,
        "production": 0,
        None: 3,
    }


async def test_verifying_page_by_page_is_the_same(history: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chains, "PAGE", 1)
    await history.set_all([{"namespace": "payments", "key": key, "value": value} for key, value in MANY])
    assert await verdict(history) == (None, "")
    assert [line["revision"] for line in await lines_of(history, "staging", limit=2)] == [1, 2, 3, 4, 5, 6]


MANY: list[tuple[str, object]] = [("max_retries", 9), ("text", "b")]

# Rows change places one by one.
_NOTHING_IN_THE_WAY = """
    ALTER TABLE ChangeSet DROP CONSTRAINT changeset_env_revision_key CASCADE;
    DROP INDEX one_active_version;
"""

EDITS_OF_STAGING = [
    ("UPDATE ConfigVersion SET value = '7' WHERE value = '2'", 2, "edited"),
    ("UPDATE ConfigVersion SET value = '1 ' WHERE value = '1'", 1, "edited"),
    ("UPDATE ConfigVersion SET change_note = 'x' WHERE value = '2'", 2, "another author or reason"),
    ("UPDATE ConfigVersion SET created_at = created_at + interval '1 us' WHERE value = '2'", 2, "edited"),
    ("DELETE FROM ConfigVersion WHERE value = '2'", 2, "edited"),
    ("UPDATE ConfigVersion SET is_active = (value = '2') WHERE value <> '\"a\"'", 5, "does not hold the version"),
    ("UPDATE ConfigVersion SET is_active = false", 5, "does not hold the version"),
    ("UPDATE ConfigVersion SET is_active = true WHERE value = '\"a\"'", 4, "does not hold the version"),
    ("UPDATE ChangeSet SET note = 'another' WHERE revision = 3", 3, "edited"),
    ("UPDATE ChangeSet SET how = 'rollback' WHERE revision = 3", 3, "edited"),
    ("UPDATE ChangeSet SET created_at = created_at - interval '1 us' WHERE revision = 3", 3, "edited"),
    ("UPDATE ChangeSet SET from_address = '192.0.2.1' WHERE revision = 3", 3, "edited"),
    ("UPDATE ChangeSet SET from_tool = from_tool || 'x' WHERE revision = 3", 3, "edited"),
    ("UPDATE ChangeSet SET request_id = gen_random_uuid() WHERE revision = 3", 3, "edited"),
    ("UPDATE ChangeSet SET request_hash = sha256('x') WHERE revision = 3", 3, "edited"),
    ("UPDATE ChangeSet SET change_set_id = gen_random_uuid() WHERE revision = 3", 3, "edited"),
    ("UPDATE ChangeSet SET token_id = gen_random_uuid() WHERE revision = 3", 3, "edited"),
    ("UPDATE ChangeSet SET changed_by = 99 WHERE revision = 3", 3, "edited"),
    ("UPDATE ChangeSet SET hash_form = 1 WHERE revision = 3", 3, "edited"),
    ("UPDATE ChangeSet SET hash = sha256('x') WHERE revision = 3", 3, "edited"),
    ("UPDATE ChangeSet SET previous_hash = sha256('x') WHERE revision = 3", 3, "does not follow"),
    ("DELETE FROM ChangeSet WHERE revision = 3", 3, "revision 3 is missing"),
    ("DELETE FROM ChangeSet WHERE revision = 5", 5, "missing at the end"),
    ("DELETE FROM ChangeSet WHERE revision >= 4", 4, "revisions 4 to 5 are missing at the end"),
    ("DELETE FROM ChangeSet", 1, "revisions 1 to 5 are missing at the end"),
    ("UPDATE ChangeSet SET revision = 9 - revision WHERE revision IN (4, 5)", 4, "does not follow"),
    ("UPDATE ChangeSet SET revision = revision + 1", 1, "revision 1 is missing"),
    ("DELETE FROM Change WHERE revision = 3", 3, "edited"),
    ("UPDATE Change SET previous_version_id = NULL WHERE revision = 2", 2, "edited"),
    ("UPDATE Change SET key_id = (SELECT key_id FROM ConfigKey WHERE key = 'text') WHERE revision = 2", 2, "edited"),
    ("UPDATE ConfigKey SET key = 'other' WHERE key = 'text'", 3, "edited"),
    ("UPDATE ConfigKey SET value_type = 'json' WHERE key = 'text'", 3, "edited"),
    ("UPDATE Environment SET head_hash = sha256('x') WHERE env = 'staging'", 5, "head"),
    ("UPDATE Environment SET revision = 4 WHERE env = 'staging'", 5, "head"),
    ("UPDATE Environment SET revision = 7 WHERE env = 'staging'", 6, "revisions 6 to 7 are missing"),
]


@pytest.mark.parametrize(("edit", "revision", "reason"), EDITS_OF_STAGING)
async def test_what_a_superuser_edits_is_named(
    history: Wire, superuser: Database, edit: str, revision: int, reason: str
) -> None:
    await superuser.execute(_NOTHING_IN_THE_WAY)
    await superuser.execute(edit)
    found = await verdict(history)
    assert (found[0], reason in found[1]) == (revision, True), found


async def test_the_first_of_several_edits_is_named(history: Wire, superuser: Database) -> None:
    await superuser.execute("UPDATE ChangeSet SET note = 'x' WHERE revision IN (2, 4)")
    assert (await verdict(history))[0] == 2
    assert not (await history.ask("audit.verify"))["ok"]


@pytest.mark.parametrize(
    ("edit", "event", "reason"),
    [
        ("UPDATE AuditEvent SET about = '{}' WHERE sequence = 2", 2, "edited"),
        ("UPDATE AuditEvent SET kind = 'key.update' WHERE sequence = 2", 2, "edited"),
        ("UPDATE AuditEvent SET user_id = NULL WHERE sequence = 2", 2, "edited"),
        ("UPDATE AuditEvent SET token_id = NULL WHERE sequence = 2", 2, "edited"),
        ("UPDATE AuditEvent SET env = 'staging' WHERE sequence = 2", 2, "edited"),
        ("UPDATE AuditEvent SET namespace = 'x' WHERE sequence = 2", 2, "edited"),
        ("UPDATE AuditEvent SET key = NULL WHERE sequence = 2", 2, "edited"),
        ("UPDATE AuditEvent SET from_address = '' WHERE sequence = 2", 2, "edited"),
        ("UPDATE AuditEvent SET from_tool = '' WHERE sequence = 2", 2, "edited"),
        ("UPDATE AuditEvent SET created_at = created_at + interval '1 us' WHERE sequence = 2", 2, "edited"),
        ("UPDATE AuditEvent SET hash = sha256('x') WHERE sequence = 2", 2, "edited"),
        ("DELETE FROM AuditEvent WHERE sequence = 2", 2, "event 2 is missing"),
        ("DELETE FROM AuditEvent WHERE sequence >= 2", 2, "events 2 to 3 are missing"),
        ("UPDATE AuditEvent SET sequence = sequence + 10 WHERE sequence = 2", 2, "event 2 is missing"),
        ("DELETE FROM AuditHead", 3, "head"),
    ],
)
async def test_an_edit_of_an_event_is_named(
    history: Wire, superuser: Database, edit: str, event: int, reason: str
) -> None:
    await superuser.execute(edit)
    events = (await history.ask("audit.verify"))["chains"][-1]
    assert (events["env"], events["broken"]["revision"]) == (None, event)
    assert reason in events["broken"]["reason"]


async def test_a_tail_that_was_cut_with_its_head_is_noticed_by_an_exported_head(
    history: Wire, superuser: Database
) -> None:
    exported = (await history.ask("audit.export", env="staging"))["head"]
    await superuser.execute("DELETE FROM Change WHERE revision = 5")
    await superuser.execute("DELETE FROM ChangeSet WHERE revision = 5")
    await superuser.execute(
        "UPDATE Environment SET revision = 4, head_hash = (SELECT hash FROM ChangeSet WHERE revision = 4) "
        "WHERE env = 'staging'"
    )
    await superuser.execute("UPDATE ConfigVersion SET is_active = false")
    await superuser.execute("UPDATE ConfigVersion SET is_active = true WHERE value = '2'")
    assert await verdict(history) == (None, "")
    broken, reason = await verdict(history, env="staging", head=exported)
    assert (broken, "exported" in reason) == (5, True)
    # The log goes on over the cut, and still is not the one that was exported.
    await history.set(5)
    broken, reason = await verdict(history, env="staging", head=exported)
    assert (broken, "written anew" in reason) == (5, True)


async def test_the_heads_of_an_export_are_compared_each_with_its_chain(history: Wire) -> None:
    heads = [{**(await history.ask("audit.export", env=env))["head"], "env": env} for env in ("staging", "production")]
    events = (await history.ask("audit.export"))["head"]
    heads.append({**events, "env": None})
    assert (await history.ask("audit.verify", heads=heads))["ok"]
    heads[2]["hash"] = heads[0]["hash"]
    gone = {"env": "gone", "revision": 3, "hash": heads[0]["hash"]}
    found = await history.ask("audit.verify", heads=[*heads, gone])
    assert [chain["env"] for chain in found["chains"] if not chain["ok"]] == [None, "gone"]


async def test_what_is_exported_verifies_by_itself_and_holds_no_value(history: Wire) -> None:
    await history.set("much-too-telling", "text")
    for env in ("staging", "production", None):
        lines = [dumps(line) for line in await lines_of(history, env, limit=2)]
        links: list[Link] = []
        for line in lines:
            read = read_line(line)
            assert isinstance(read, Link)
            links.append(read)
        assert verified(links) is None
        assert "much-too-telling" not in "".join(lines)


async def test_history_goes_on_while_it_is_verified(history: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    read, written = chains.Chains.heads, 0

    async def heads_after_a_write(self: chains.Chains, env: str | None = None) -> Any:
        nonlocal written
        if written < 3:
            written += 1
            await history.set(written, note="meanwhile")
        return await read(self, env)

    monkeypatch.setattr(chains.Chains, "heads", heads_after_a_write)
    found = await history.ask("audit.verify", env="staging")
    assert (found["ok"], found["revisions"], found["head"]["revision"]) == (True, 8, 8)


async def entries(wire: Wire, **asked: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await wire.ask("audit.log", **asked))["entries"]
    return found


async def test_the_log_tells_one_story_newest_first_without_values(history: Wire) -> None:
    told = await entries(history)
    assert [entry["kind"] for entry in told] == ["environment.protect", *["change"] * 5, *["key.create"] * 2]
    assert [entry.get("note") for entry in told[1:6]] == ["fifth", "fourth", "third", "second", "first"]
    assert [entry["at"] for entry in told] == sorted((entry["at"] for entry in told), reverse=True)
    protect, change = told[0], told[1]
    assert protect["about"] == {"protected": False, "required_approvals": 1}
    assert (protect["env"], protect["by"]["name"]) == ("production", "admin")
    assert change["keys"] == [{"namespace": "payments", "key": "max_retries"}]
    assert change["from"]["address"] == "127.0.0.1"
    assert "websockets" in change["from"]["tool"]
    assert '"value"' not in json.dumps(told)


async def test_the_log_comes_in_pages(history: Wire) -> None:
    whole = await entries(history)
    read: list[dict[str, Any]] = []
    page = await history.ask("audit.log", limit=3)
    while True:
        read += page["entries"]
        if page["next"] is None:
            break
        page = await history.ask("audit.log", limit=3, before=page["next"])
    assert read == whole


async def test_the_log_answers_for_an_environment_a_person_a_kind_and_a_time(
    hub: RunningHub, history: Wire, database_url: str
) -> None:
    token, token_id = await issue_token(database_url, name="bob")
    async with hub.connect_once_known(token) as bob:
        await bob.set(6, note="mine")
    assert [entry["note"] for entry in await entries(history, who="bob")] == ["mine"]
    assert [entry["note"] for entry in await entries(history, who=str(token_id))] == ["mine"]
    assert await entries(history, who="nobody") == []
    assert {entry["env"] for entry in await entries(history, env="staging")} == {"staging"}
    assert [entry["kind"] for entry in await entries(history, env="production")] == ["environment.protect"]
    assert len(await entries(history, kind="change")) == 6
    assert [entry["how"] for entry in await entries(history, kind="rollback")] == ["rollback"]
    assert len(await entries(history, kind="key")) == 2
    whole = await entries(history)
    assert await entries(history, since=whole[2]["at"]) == whole[:3]
    assert await entries(history, until=whole[2]["at"]) == whole[3:]


@pytest.mark.parametrize(
    ("method", "asked"),
    [
        ("audit.log", {"since": "yesterday"}),
        ("audit.log", {"since": 5}),
        ("audit.log", {"until": "9999-12-31T23:59:59-14:00"}),
        ("audit.log", {"limit": 0}),
        ("audit.log", {"limit": 501}),
        ("audit.log", {"before": ["2030-01-01T00:00:00Z", "staging"]}),
        ("audit.log", {"before": ["x", "staging", 1]}),
        ("audit.log", {"kind": "\x00"}),
        ("audit.verify", {"env": "staging", "head": {"revision": 1, "hash": "xyz"}}),
        ("audit.verify", {"head": {"revision": 1, "hash": "00"}}),
        ("audit.verify", {"env": "staging", "head": {"revision": -1, "hash": "00"}}),
        ("audit.verify", {"heads": 5}),
        ("audit.export", {"env": "staging", "after": -1}),
        ("audit.export", {"env": "staging", "after": 2**62}),
        ("audit.export", {"env": "staging", "limit": 1001}),
    ],
)
async def test_params_that_cannot_be_are_refused(unharmed: Wire, method: str, asked: dict[str, Any]) -> None:
    assert (await unharmed.refusal(method, **asked)).code == -32602


@pytest.mark.parametrize("method", ["audit.verify", "audit.export"])
async def test_an_environment_that_is_none_is_not_found(unharmed: Wire, method: str) -> None:
    assert (await unharmed.refusal(method, env="nowhere")).kind == "not_found"


async def test_what_is_refused_for_another_reason_leaves_no_event(history: Wire) -> None:
    before = len(await entries(history))
    for method, asked in (
        ("environment.create", {"env": "staging"}),
        ("environment.protect", {"env": "nowhere", "protected": True}),
        ("key.create", {"namespace": "payments", "key": "text", "type": "int"}),
    ):
        await history.refusal(method, **asked)
    assert len(await entries(history)) == before


async def test_a_token_that_is_none_is_on_record_and_a_flood_of_them_is_counted(
    hub: RunningHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(refusals, "WINDOW_SECONDS", 0.2)
    for _ in range(refusals.ROWS_A_MINUTE + 15):
        await http(hub.address, "/v1/snapshot?env=production&namespace=payments", token="sp_" + "x" * 43)
    async with hub.connect() as wire:

        async def counted() -> Sequence[dict[str, Any]]:
            found = await entries(wire, kind="refused")
            further = sum(entry["about"].get("further", 1) for entry in found)
            return found if further == refusals.ROWS_A_MINUTE + 15 else []

        told = await eventually(counted)
        assert told[-1]["about"] == {"method": "GET /v1/snapshot", "error": "unauthorised"}
        assert (told[-1]["env"], told[-1]["namespace"], told[-1]["by"]) == ("production", "payments", None)
        assert told[-1]["from"]["address"] == "127.0.0.1"


async def test_refused_attempts_that_cannot_be_recorded_wait_and_end_no_hub(
    hub: RunningHub, wire: Wire, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    await database.execute("REVOKE INSERT ON AuditEvent FROM setpoint_hub")
    assert (await http(hub.address, "/v1/ws", token="sp_nobody")).status == 401
    await eventually(lambda: "permission denied" in caplog.text)
    await database.execute("GRANT INSERT ON AuditEvent TO setpoint_hub")

    async def recorded() -> bool:
        return bool(await entries(wire, kind="refused"))

    await eventually(recorded)


async def test_x_forwarded_for_is_believed_of_a_trusted_proxy_alone(hubs: Hubs) -> None:
    for trusted, address in (((), "127.0.0.1"), (("10.0.0.0/8",), "127.0.0.1"), (("127.0.0.0/8",), "203.0.113.9")):
        hub = await hubs.start(trusted_proxies=trusted)
        headers = {"X-Forwarded-For": "198.51.100.1, 203.0.113.9", "User-Agent": "probe/1"}
        await http(hub.address, "/v1/snapshot?env=staging&namespace=a", token="sp_" + "y" * 43, **headers)
        async with hub.connect() as wire:

            async def newest(wire: Wire = wire, address: str = address) -> bool:
                found = await entries(wire, kind="refused", limit=1)
                return bool(found) and found[0]["from"] == {"address": address, "tool": "probe/1"}

            await eventually(newest)


async def test_an_event_stands_or_falls_with_what_it_records(hub: RunningHub, wire: Wire, database: Database) -> None:
    before = await database.fetchval("SELECT sequence FROM AuditHead")

    async def fail_after_recording() -> None:
        async with hub.hub._database.transaction() as connection:
            await append_event(connection, Event("token.revoke", BY_HUB))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail_after_recording()
    assert await database.fetchval("SELECT sequence FROM AuditHead") == before
    await Audit(hub.hub._database).record(Event("token.revoke", BY_HUB, about={"text": "a\x00\ud800" + "x" * 9000}))
    newest = (await entries(wire, kind="token"))[0]
    assert newest["about"]["text"].startswith("a??x")
    assert len(newest["about"]["text"]) == 500
    assert (await wire.ask("audit.verify"))["ok"]


async def test_users_and_tokens_are_on_record_with_what_they_may_do_and_without_themselves(hub: RunningHub) -> None:
    given = await give_token(hub, "editor", environments=["staging"], namespaces=["pay.*"], user="carol")
    async with hub.connect() as admin:
        await admin.ask("user.create", name="dave")
        for _ in range(2):
            await admin.ask("token.revoke", id=given["id"])
        told = await entries(admin)
        assert [entry["kind"] for entry in told] == ["token.revoke", "user.create", "token.create", "user.create"]
        assert told[2]["about"] == {
            "id": given["id"],
            "user": "carol",
            "role": "editor",
            "environments": ["staging"],
            "namespaces": ["pay.*"],
            "expires_at": None,
        }
        assert told[1]["about"]["user"] == "dave"
        assert given["token"] not in json.dumps(told)


async def test_who_asks_for_what_is_out_of_reach_is_on_record_by_name(hub: RunningHub, wire: Wire) -> None:
    token = await token_of(hub, "editor", ["staging"], ["payments"])
    async with hub.connect(token) as editor:
        assert (await editor.refusal("set", env="production", changes=ONE_CHANGE)).kind == "forbidden"
        await editor.refusal("audit.log", env="staging")
        await editor.refusal("watch", client_id="x", service="x", env="production", namespaces=["payments"])
        await editor.refusal("set", env="staging", changes=[{**ONE_CHANGE[0], "value": "no integer"}])
    await http(hub.address, "/v1/snapshot?env=production&namespace=payments", token=token)

    async def recorded() -> list[dict[str, Any]]:
        found = await entries(wire, kind="refused")
        return found if len(found) == 4 else []

    told = await eventually(recorded)
    assert [entry["about"]["method"] for entry in told] == ["GET /v1/snapshot", "watch", "audit.log", "set"]
    assert {(entry["by"]["name"], entry["about"]["error"]) for entry in told} == {("the editor", "forbidden")}
    assert [entry["env"] for entry in told] == ["production", "production", "staging", "production"]
    assert "much too high" not in json.dumps(told)


ONE_CHANGE = [{"namespace": "payments", "key": "max_retries", "value": "much too high"}]


async def test_what_is_said_and_decided_about_reviews_is_on_record(hub: RunningHub, wire: Wire) -> None:
    asked = {"env": "production", "changes": [{**ONE_CHANGE[0], "value": 5}], "note": "why", "ticket": "OPS-1"}
    first = (await wire.refusal("set", **asked)).data["review"]
    diff = (await wire.ask("review.rebase", review=first))["diff_hash"]
    token = await token_of(hub, "approver", ["production"], ["payments"])
    async with hub.connect(token) as approver:
        await approver.ask("review.comment", review=first, text="is that so?")
        for _ in range(2):
            await approver.ask("review.approve", review=first, text="it is")
        await approver.ask("review.reject", review=first, text="on second thoughts")
    second = (await wire.refusal("set", **asked)).data["review"]
    await wire.ask("review.apply", review=second, at=(datetime.now(UTC) + timedelta(hours=1)).isoformat())
    await wire.ask("review.withdraw", review=second)

    told = list(reversed(await entries(wire, kind="review")))
    assert [(entry["kind"], entry["about"]["review"], entry["by"]["name"]) for entry in told] == [
        ("review.create", first, "admin"),
        ("review.rebase", first, "admin"),
        ("review.comment", first, "the approver"),
        ("review.approve", first, "the approver"),
        ("review.reject", first, "the approver"),
        ("review.create", second, "admin"),
        ("review.schedule", second, "admin"),
        ("review.withdraw", second, "admin"),
    ]
    assert told[0]["about"] == {"review": first, "diff": diff, "text": "why", "ticket": "OPS-1"}
    assert told[3]["about"] == {"review": first, "diff": diff, "text": "it is"}
    assert {entry["env"] for entry in told} == {"production"}
    assert (await wire.ask("audit.verify"))["ok"]


async def test_who_confirms_a_change_is_on_record(hub: RunningHub, wire: Wire) -> None:
    await wire.set(5, confirm_within=3600)
    async with hub.connect(await token_of(hub, "editor", ["staging"], ["payments"])) as editor:
        await editor.ask("change.confirm", env="staging", revision=1)
        assert (await editor.refusal("change.confirm", env="staging", revision=1)).kind == "conflict"
    (told,) = await entries(wire, kind="change.confirm")
    assert (told["by"]["name"], told["env"], told["about"]) == ("the editor", "staging", {"revision": 1})


async def test_a_change_of_a_key_is_on_record_by_what_changed(wire: Wire) -> None:
    about = {"namespace": "payments", "key": "max_retries", "owner": "payments", "constraints": {"maximum": 7}}
    await wire.ask("key.update", **about)
    (told,) = await entries(wire, kind="key.update")
    assert (told["namespace"], told["key"], told["about"]) == (
        "payments",
        "max_retries",
        {"changed": ["owner", "constraints"]},
    )


async def test_the_first_admins_token_is_on_record_once(hubs: Hubs, tmp_path: Path) -> None:
    for _ in range(2):
        hub = await hubs.start(admin_token_file=tmp_path / "admin.token")
    (tmp_path / "admin.token").write_text("sp_" + "z" * 40)
    for _ in range(2):
        hub = await hubs.start(admin_token_file=tmp_path / "admin.token")
    async with hub.connect() as wire:
        (told,) = await entries(wire, kind="token")
        assert (told["by"], told["about"]["role"], told["from"]["tool"]) == (None, "admin", "setpoint-hub")


def test_the_audits_page_lists_every_kind_of_event() -> None:
    root = Path(__file__).parents[2]
    sources = "".join(file.read_text() for file in (root / "hub").rglob("*.py"))
    decided = re.findall(r"'(\w+)'", schema_text().split("CREATE TABLE IF NOT EXISTS ReviewDecision")[1].split("))")[0])
    # What is applied is on record as its change set.
    decisions = {f"review.{kind}" for kind in decided if kind != "apply"}
    kinds = {*re.findall(r'\bEvent\(\s*"([\w.]+)"', sources), *decisions, refusals.REFUSED}
    table = (root / "docs" / "audit.md").read_text().split("| kind | when |")[1].split("\n\n")[0]
    rows = re.findall(r"^\| (`.*?`) \|", table, re.MULTILINE)
    assert {kind for row in rows for kind in re.findall(r"`([\w.]+)`", row)} == kinds
