"""A token for each service of the demo: it reads what its service follows, and nothing else."""

from collections.abc import Sequence

from setpoint_tui.account_answers import TokenList
from setpoint_tui.answers import read_answer
from setpoint_tui.demo.sample import Service
from setpoint_tui.link import HubLink

__all__ = ["give_tokens"]


async def give_tokens(link: HubLink, env: str, services: Sequence[Service]) -> dict[Service, str]:
    """Return a new token for each service; those of an earlier run, which nobody has any more, are revoked."""
    return {service: await _give_token(link, env, service) for service in services}


async def _give_token(link: HubLink, env: str, service: Service) -> str:
    earlier = read_answer(TokenList, await link.request("token.list", {"user": service.name}))
    for token in earlier.tokens:
        await link.request("token.revoke", {"id": token.id})
    asked = {
        "user": service.name,
        "role": "reader",
        "environments": [env],
        "namespaces": list(service.namespaces),
        "create_user": True,
    }
    return str((await link.request("token.create", asked))["token"])
