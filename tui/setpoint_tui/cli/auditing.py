"""`audit`: what is on record, whether it still is what it was, and a copy of it that verifies by itself."""

from collections.abc import Generator, Iterable
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, TextIO

import typer

from setpoint.protocol.audit_lines import head_line
from setpoint.protocol.verification import Head
from setpoint_tui.answers import read_answer
from setpoint_tui.audit_answers import AuditChain, AuditEntry, AuditExport, AuditHead, AuditPage, AuditVerdict
from setpoint_tui.cli import options
from setpoint_tui.cli.audit_view import Checked, print_checked, print_entries
from setpoint_tui.cli.exit_codes import ExitCode
from setpoint_tui.cli.output import note, print_json, print_json_line, waiting
from setpoint_tui.cli.session import with_link
from setpoint_tui.durations import parse_duration
from setpoint_tui.errors import InvalidFile, InvalidSettings
from setpoint_tui.exported_audit import LONGEST_LINE, heads_of, verify_lines
from setpoint_tui.link import HubLink
from setpoint_tui.lookup import environment_names

__all__ = ["audit_log", "export", "verify"]

_VERIFY_SECONDS = 3600.0
_PAGE = 500


def audit_log(
    env: options.AnyEnv = None,
    since: Annotated[
        str | None, typer.Option("--since", metavar="WHEN", help="Such as 2h or 7d ago, or a time in ISO 8601.")
    ] = None,
    until: Annotated[str | None, typer.Option("--until", metavar="WHEN", help="As --since.")] = None,
    who: Annotated[str | None, typer.Option("--who", metavar="USER", help="A user's name, or a token's id.")] = None,
    kind: Annotated[
        str | None,
        typer.Option("--kind", metavar="KIND", help="The beginning of one: change, rollback, token, refused, …"),
    ] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, metavar="NUMBER", help="How many, the newest.")] = 50,
    json: options.Json = False,
) -> None:
    """Show who did what, when, from where and why, newest first. It holds no values."""
    asked = {"env": env, "since": _moment(since), "until": _moment(until), "who": who, "kind": kind}
    given = {name: found for name, found in asked.items() if found is not None}
    entries: list[Any] = []

    async def read(link: HubLink) -> None:
        before: dict[str, Any] = {}
        while len(entries) < limit:
            page = await link.request("audit.log", {**given, **before, "limit": min(_PAGE, limit - len(entries))})
            entries.extend(page["entries"])
            following = read_answer(AuditPage, page).next
            if following is None:
                return
            before = {"before": list(following)}

    with_link(read)
    if json:
        print_json({"entries": entries})
    elif entries:
        print_entries([read_answer(AuditEntry, entry) for entry in entries])
    else:
        note("nothing on record answers to that")


def verify(
    env: options.AnyEnv = None,
    head: Annotated[
        Path | None,
        typer.Option("--head", metavar="FILE", help="An earlier export, or its last line: what has to be still there."),
    ] = None,
    file: Annotated[
        Path | None, typer.Option("--file", metavar="FILE", help="An export, verified here without a hub.")
    ] = None,
    json: options.Json = False,
) -> None:
    """Verify that nothing on record was edited, removed or put in between; exit with 10 when something was.

    Without --env, the chain of every environment and that of the events.
    """
    if file is not None:
        if env is not None or head is not None:
            raise InvalidSettings("--file verifies a whole file without a hub: leave out --env and --head")
        chains = _verified_file(file)
    else:
        chains = _verified_by_hub(env, {} if head is None else _known_heads(head))
    ok = all(chain.broken is None for chain in chains)
    if json:
        print_json({"ok": ok, "chains": [_as_json(chain) for chain in chains]})
    else:
        print_checked(chains)
    if not ok:
        raise typer.Exit(ExitCode.BROKEN)


def export(env: options.AnyEnv = None) -> None:
    """Print the record as JSON lines that verify by themselves; the last line is the heads. It holds no values.

    Without --env, the chain of every environment and that of the events. Keep the last line somewhere else: it
    notices a tail that was cut, and a history that was written anew.
    """

    async def read(link: HubLink) -> None:
        heads: dict[str | None, Head] = {}
        for chain in [env] if env is not None else [*await environment_names(link), None]:
            heads[chain] = await _export_chain(link, chain)
        print_json_line(head_line(heads))

    with_link(read)


async def _export_chain(link: HubLink, env: str | None) -> Head:
    asked: dict[str, Any] = {"limit": _PAGE, **({} if env is None else {"env": env})}
    last = Head(0, b"")
    while True:
        page = read_answer(AuditExport, await link.request("audit.export", asked, timeout=60))
        for line in page.lines:
            print_json_line(line)
            last = Head(int(line.get("revision", line.get("sequence", 0))), bytes.fromhex(line["hash"]))
        if page.next is None:
            # What was written while we read may be above the head that we were told.
            return last if last.number > page.head.revision else _told(page.head)
        asked["after"] = page.next


def _verified_by_hub(env: str | None, heads: dict[str | None, Head]) -> list[Checked]:
    asked: dict[str, Any] = {}
    if env is not None:
        asked["env"] = env
        if heads:
            if env not in heads:
                raise InvalidFile(f"the file holds no head of {env}")
            asked["head"] = _shown(heads[env])
    elif heads:
        asked["heads"] = [{"env": name, **_shown(head)} for name, head in heads.items()]

    async def ask(link: HubLink) -> Any:
        with waiting("verifying every link"):
            return await link.request("audit.verify", asked, timeout=_VERIFY_SECONDS)

    found = with_link(ask)
    chains = [read_answer(AuditChain, found)] if env is not None else read_answer(AuditVerdict, found).chains
    return [_of_hub(chain) for chain in chains]


def _of_hub(chain: AuditChain) -> Checked:
    broken = None if chain.broken is None else (chain.broken.revision, chain.broken.reason)
    return Checked(chain.env, chain.revisions, chain.head.revision, chain.head.hash, broken)


def _verified_file(path: Path) -> list[Checked]:
    with _lines(path) as lines:
        verdicts = verify_lines(lines)
    return [
        Checked(
            one.env,
            one.verified,
            one.head.number,
            one.head.hash.hex(),
            None if one.broken is None else (one.broken.number, one.broken.reason),
        )
        for one in verdicts
    ]


def _known_heads(path: Path) -> dict[str | None, Head]:
    with _lines(path) as lines:
        return heads_of(lines)


@contextmanager
def _lines(path: Path) -> Generator[Iterable[str]]:
    try:
        with path.open(encoding="utf-8", newline="\n") as opened:
            yield _each(opened)
    except UnicodeDecodeError as error:
        raise InvalidFile(f"{path} is no export of an audit: it is not UTF-8") from error
    except OSError as error:
        raise InvalidFile(f"{path} cannot be read: {error.strerror or error}") from error


def _each(opened: TextIO) -> Generator[str]:
    # A file without line breaks is not read whole.
    while line := opened.readline(LONGEST_LINE + 1):
        if line.strip():
            yield line.removesuffix("\n")


def _moment(text: str | None) -> str | None:
    if text is None:
        return None
    if text[-1:].isalpha() and text[:1].isdigit() and "T" not in text:
        return (datetime.now(UTC) - timedelta(seconds=parse_duration(text))).isoformat()
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise InvalidSettings(f"{text[:40]!r} is neither a span such as 2h nor a time in ISO 8601") from error
    # Without a zone, a person means their own.
    return moment.astimezone(UTC).isoformat()


def _told(head: AuditHead) -> Head:
    return Head(head.revision, bytes.fromhex(head.hash))


def _shown(head: Head) -> dict[str, Any]:
    return {"revision": head.number, "hash": head.hash.hex()}


def _as_json(chain: Checked) -> dict[str, Any]:
    broken = None if chain.broken is None else {"revision": chain.broken[0], "reason": chain.broken[1]}
    return {
        "env": chain.env,
        "ok": broken is None,
        "revisions": chain.verified,
        "head": {"revision": chain.head, "hash": chain.hash},
        "broken": broken,
    }
