"""`setpoint secrets rotate`: every secret's key wrapped under the newest master key, while hubs go on."""

from setpoint_hub.audit import BY_HUB, About, Event
from setpoint_hub.database import open_database
from setpoint_hub.errors import DatabaseUnavailable, HubError, StartRefused
from setpoint_hub.schema import check_schema
from setpoint_hub.settings import HubSettings
from setpoint_hub.store.audit import Audit
from setpoint_hub.store.keyrings import Keyrings
from setpoint_hub.vault import Vault, master_keys

__all__ = ["rotate"]


async def rotate(settings: HubSettings) -> str:
    """Rotate, and say what was done. Raises HubError, which says what to do; what was done until then stands."""
    vault = Vault(master_keys(settings))
    if not vault.ids:
        raise StartRefused("no master key is given: put the new one first in SETPOINT_MASTER_KEY_FILE, above the old")
    try:
        async with open_database(settings) as database:
            await check_schema(database)
            done = await Keyrings(database).rotate(vault)
            about: dict[str, About] = {"master_key": vault.newest.id, "wrapped_anew": done}
            await Audit(database).record(Event("secrets.rotate", BY_HUB, about=about))
    except DatabaseUnavailable as error:
        raise HubError(f"PostgreSQL cannot be reached: {error}; run it again, it goes on where it was") from error
    unused = ", ".join(sorted(vault.ids - {vault.newest.id}))
    rest = f"; no secret needs {unused} any more" if unused else ""
    return f"{done} keys of secrets were wrapped anew, all are under {vault.newest.id} now{rest}"
