"""Loading the demo's sample: production is protected, and stays so."""

from setpoint_tui.address import parse_address
from setpoint_tui.connection import Connection
from setpoint_tui.demo.loading import load_sample
from setpoint_tui.demo.sample import PROPOSAL, REPAIR, SAMPLE
from setpoint_tui.link import HubLink
from support.hubs import RunningHub


async def test_the_sample_is_in_every_environment_and_one_change_of_production_waits(hub: RunningHub) -> None:
    connection = Connection(parse_address(hub.address), hub.token, "the test")
    async with HubLink.open(connection) as link:
        assert await load_sample(link, SAMPLE) == len(SAMPLE)
        assert await load_sample(link, SAMPLE) == 0

        environments = (await link.request("environment.list", {}))["environments"]
        assert [(one["env"], one["keys"], one["revision"], one["protected"]) for one in environments] == [
            ("development", len(SAMPLE), 1, False),
            ("staging", len(SAMPLE), 1, False),
            ("production", len(SAMPLE), 2, True),
        ]
        (waiting,) = (await link.request("review.list", {}))["reviews"]
        shown = await link.request("review.get", {"review": waiting["id"]})
        assert (shown["env"], shown["state"], shown["reason"]) == ("production", "open", PROPOSAL.reason)
        assert [(one["old"], one["new"]) for one in shown["changes"]] == [(False, True)]
        # Somebody else's, so that the demo's admin may approve it; nobody keeps a token for it.
        assert (shown["author"]["name"], shown["may"]["approve"]["allowed"]) == (PROPOSAL.author, True)
        assert (await link.request("token.list", {"user": PROPOSAL.author}))["tokens"] == []


async def test_what_was_promoted_is_older_the_farther_it_came_and_one_repair_of_production_is_not_in_staging(
    hub: RunningHub,
) -> None:
    connection = Connection(parse_address(hub.address), hub.token, "the test")
    async with HubLink.open(connection) as link:
        await load_sample(link, SAMPLE)
        for source, target, newer in (
            ("development", "staging", []),
            ("staging", "production", [(REPAIR.namespace, REPAIR.key, REPAIR.value)]),
        ):
            found = await link.request("compare", {"source": source, "target": target})
            differing = [row for row in found["rows"] if row["state"] != "same"]
            assert len(differing) > 10
            assert [
                (row["namespace"], row["key"], row["target"]["value"]) for row in differing if row["newer_in_target"]
            ] == newer
