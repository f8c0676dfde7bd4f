"""Verifying an exported audit without a hub: its lines alone, in the memory of one line. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from setpoint.protocol.audit_lines import HeadLine, InvalidLine, read_line
from setpoint.protocol.chain import ChainedChangeSet, Link
from setpoint.protocol.verification import Broken, ChainCheck, Head
from setpoint_tui.errors import InvalidFile

__all__ = ["LONGEST_LINE", "FileVerdict", "heads_of", "verify_lines"]

LONGEST_LINE = 128 * 1024 * 1024
"""Characters: what version 1 recorded holds up to 1,000 values in a line."""


@dataclass(frozen=True, slots=True)
class FileVerdict:
    """What became of one chain of a file; `env` is None for the events."""

    env: str | None
    verified: int
    head: Head
    broken: Broken | None


def verify_lines(lines: Iterable[str]) -> list[FileVerdict]:
    """Verify every chain of an export. Raises InvalidFile, with the line, for what is no export or is cut short."""
    checks: dict[str | None, ChainCheck] = {}
    broken: dict[str | None, Broken] = {}
    heads: Mapping[str | None, Head] | None = None
    for number, text in enumerate(lines, start=1):
        if heads is not None:
            raise InvalidFile(f"line {number}: there is more after the heads, which are the last line of an export")
        found = _read(text, number)
        if isinstance(found, HeadLine):
            heads = _heads(found, number)
        else:
            _take(found, checks, broken)
    if heads is None:
        raise InvalidFile("the file ends without the line of the heads: it was cut short, or is no export of an audit")
    return [_finish(env, checks, broken, heads) for env in dict.fromkeys([*heads, *checks])]


def heads_of(lines: Iterable[str]) -> dict[str | None, Head]:
    """Return the heads at the end of an export, or of a file with that line alone. Raises InvalidFile."""
    number, last = 0, ""
    for number, last in enumerate(lines, start=1):  # noqa: B007  # the last of both is what is wanted
        pass
    found = _read(last, number)
    if not isinstance(found, HeadLine):
        raise InvalidFile("the last line holds no heads: it is the last line of `setpoint audit export`")
    return _heads(found, number)


def _read(text: str, number: int) -> Link | HeadLine:
    if len(text) > LONGEST_LINE:
        raise InvalidFile(f"line {number} is longer than any line of an export")
    try:
        return read_line(text)
    except InvalidLine as error:
        raise InvalidFile(f"line {number} is no line of an exported audit: {error}") from error


def _heads(line: HeadLine, number: int) -> dict[str | None, Head]:
    heads = {one.env: one.head for one in line.heads}
    if len(heads) != len(line.heads):
        raise InvalidFile(f"line {number}: a chain has two heads")
    return heads


def _take(found: Link, checks: dict[str | None, ChainCheck], broken: dict[str | None, Broken]) -> None:
    env = found.record.env if isinstance(found.record, ChainedChangeSet) else None
    if env in broken:
        return
    wrong = checks.setdefault(env, ChainCheck()).take(found)
    if wrong is not None:
        broken[env] = wrong


def _finish(
    env: str | None,
    checks: Mapping[str | None, ChainCheck],
    broken: Mapping[str | None, Broken],
    heads: Mapping[str | None, Head],
) -> FileVerdict:
    check, head = checks.get(env, ChainCheck()), heads.get(env)
    wrong = broken.get(env)
    if wrong is None and head is None:
        wrong = Broken(check.at.number, "the last line of the file has no head for it")
    if wrong is None and head is not None:
        wrong = check.finish(head)
    return FileVerdict(env, check.at.number, head or check.at, wrong)
