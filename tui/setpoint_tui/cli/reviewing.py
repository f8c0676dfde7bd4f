"""`review`: looking at changes that wait for approval, deciding on them, applying them."""

from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from setpoint_tui.answers import read_answer
from setpoint_tui.cli import options
from setpoint_tui.cli.output import note as remark
from setpoint_tui.cli.output import print_json
from setpoint_tui.cli.receipts import report_written
from setpoint_tui.cli.review_view import print_review, print_reviews
from setpoint_tui.cli.session import with_link
from setpoint_tui.cli.writes import check_wait, write_once
from setpoint_tui.errors import Conflict, InvalidSettings
from setpoint_tui.link import HubLink
from setpoint_tui.moments import parse_moment
from setpoint_tui.review_answers import Review, ReviewList
from setpoint_tui.writing import Written

__all__ = ["apply", "approve", "comment", "list_reviews", "rebase", "reject", "show", "withdraw"]

_SHORTEST_DIFF = 8
"""Characters of a diff's hash that tell it from others."""

Id = Annotated[int, typer.Argument(metavar="ID", min=1, show_default=False, help="The review's number.")]
Text = Annotated[str, typer.Option("--note", "-m", metavar="TEXT", help="What to say with it: kept with the review.")]


def list_reviews(
    env: options.AnyEnv = None,
    state: Annotated[
        str | None,
        typer.Option("--state", metavar="STATE", help="open, approved, stale, applied, rejected or withdrawn."),
    ] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=500, help="The newest so many.")] = 50,
    json: options.Json = False,
) -> None:
    """List reviews, the newest first."""
    params = {name: value for name, value in (("env", env), ("state", state)) if value is not None}

    async def read(link: HubLink) -> Any:
        return await link.request("review.list", {**params, "limit": limit})

    raw = with_link(read)
    found = read_answer(ReviewList, raw).reviews
    if json:
        print_json(raw["reviews"])
    elif found:
        print_reviews(found)
    else:
        remark("there are no such reviews: a change of a protected environment becomes one")


def show(review: Id, json: options.Json = False) -> None:
    """Show a review: its diff, what was checked and decided, and what you may do with it."""
    _ask("review.get", {"review": review}, as_json=json)


def approve(
    review: Id,
    text: Text = "",
    diff: Annotated[
        str | None,
        typer.Option("--diff", metavar="HASH", help="Only if it is still this diff, as `review show` names it."),
    ] = None,
    json: options.Json = False,
) -> None:
    """Approve somebody else's change, as it is now."""
    if diff is not None and len(diff) < _SHORTEST_DIFF:
        raise InvalidSettings(f"--diff takes the hash that `setpoint review show {review}` names, or its beginning")

    async def read(link: HubLink) -> Any:
        params: dict[str, Any] = {"review": review, "text": text}
        if diff is not None:
            shown = read_answer(Review, await link.request("review.get", {"review": review}))
            if not shown.diff_hash.startswith(diff.lower()):
                raise Conflict(f"review {review} is the diff {shown.diff_hash[:12]} now: look at it again")
            params["diff_hash"] = shown.diff_hash
        return await link.request("review.approve", params)

    _print(with_link(read), as_json=json)


def reject(review: Id, text: Text = "", json: options.Json = False) -> None:
    """Reject somebody else's change: it will not be applied."""
    _ask("review.reject", {"review": review, "text": text}, as_json=json)


def comment(
    review: Id,
    text: Annotated[str, typer.Argument(metavar="TEXT", show_default=False)] = "",
    note: Text = "",
    json: options.Json = False,
) -> None:
    """Say something about a review."""
    if text and note:
        raise InvalidSettings("say it once: as TEXT, or with --note")
    _ask("review.comment", {"review": review, "text": text or note}, as_json=json)


def withdraw(review: Id, text: Text = "", json: options.Json = False) -> None:
    """Withdraw your own change."""
    _ask("review.withdraw", {"review": review, "text": text}, as_json=json)


def rebase(review: Id, text: Text = "", json: options.Json = False) -> None:
    """Base your own change on what is active now; it has to be approved anew."""
    _ask("review.rebase", {"review": review, "text": text}, as_json=json)


def apply(
    review: Id,
    at: Annotated[
        str | None,
        typer.Option("--at", metavar="TIME", help="Have a hub apply it then: 22:00, 'in 2h', or ISO 8601."),
    ] = None,
    break_glass: options.BreakGlass = False,
    note: Annotated[str, typer.Option("--note", "-m", metavar="TEXT", help="The reason of --break-glass.")] = "",
    wait: options.Wait = 5,
    require_all: options.RequireAll = False,
    json: options.Json = False,
) -> None:
    """Apply a change that has its approvals, now or at a time."""
    if note and not break_glass:
        raise InvalidSettings("--note is the reason of --break-glass: say anything else with `setpoint review comment`")
    if at is not None:
        if break_glass or require_all:
            raise InvalidSettings(
                "--at applies it later, with its approvals: leave out --break-glass and --require-all"
            )
        moment = parse_moment(at, datetime.now(UTC))
        _ask("review.apply", {"review": review, "at": moment.isoformat()}, as_json=json)
        return
    check_wait(wait, require_all)
    params = {"review": review, **({"break_glass": True, "note": note} if break_glass else {})}

    async def write(link: HubLink) -> Written:
        return await write_once(link, "review.apply", params, wait)

    report_written(with_link(write), require_all=require_all, as_json=json)


def _ask(method: str, params: dict[str, Any], *, as_json: bool) -> None:
    async def read(link: HubLink) -> Any:
        return await link.request(method, params)

    _print(with_link(read), as_json=as_json)


def _print(raw: Any, *, as_json: bool) -> None:
    review = read_answer(Review, raw)
    if as_json:
        print_json(raw)
    else:
        print_review(review)
