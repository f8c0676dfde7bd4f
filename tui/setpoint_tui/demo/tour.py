"""The tour: what Setpoint does, shown on the running fleet in six steps, each of them checked."""

import shlex
import uuid
from collections.abc import Mapping
from typing import Any

from setpoint.errors import RequestFailed, SetpointError
from setpoint.protocol.strict_json import dumps
from setpoint_tui.answers import ChangeSet, History, Key, read_answer
from setpoint_tui.arguments import KeyName
from setpoint_tui.cli.histories import print_history
from setpoint_tui.cli.output import print_line
from setpoint_tui.cli.receipts import print_change_set
from setpoint_tui.demo.fleet import DemoFleet
from setpoint_tui.formatting import counted, format_revision
from setpoint_tui.link import HubLink
from setpoint_tui.lookup import find_key
from setpoint_tui.text_safety import safe_text
from setpoint_tui.writing import write

__all__ = ["Tour", "TourFailed"]

_WAIT_SECONDS = 10.0

_TIMEOUT = KeyName("global", "tour.timeout_ms")
_THRESHOLD = KeyName("payments", "fraud.threshold")
_MODEL = KeyName("search", "ranking.model")


class TourFailed(SetpointError):
    """Something that the tour shows did not hold."""


class Tour:
    """One tour in one environment, with a fleet of so many instances."""

    def __init__(self, link: HubLink, fleet: DemoFleet, *, env: str, instances: int) -> None:
        self._link = link
        self._fleet = fleet
        self._env = env
        self._instances = instances

    async def run(self) -> None:
        """Print the tour. Raises TourFailed, or what a request raised."""
        await self._make_a_key()
        calm = await self._set_a_value()
        mistaken = await self._change_several()
        await self._look_back()
        await self._roll_back(mistaken, calm)
        await self._refuse_a_mistake(calm)

    async def _make_a_key(self) -> None:
        _heading("1. Make a key. Its type holds in every environment.")
        _command("create", _TIMEOUT.namespace, _TIMEOUT.key, "--type", "int")
        place = {"namespace": _TIMEOUT.namespace, "key": _TIMEOUT.key}
        description = "How long a page may take; made by the tour"
        try:
            await self._link.request("key.create", {**place, "type": "int", "description": description})
        except RequestFailed as error:
            if error.kind != "conflict":
                raise
            print_line(f"{_TIMEOUT} is there from an earlier tour")
        else:
            print_line(f"made {_TIMEOUT} of type int")

    async def _set_a_value(self) -> int:
        _heading("2. Set it. The answer is a receipt: which instances run the change, and how soon.")
        value: int = _another((await self._present(_TIMEOUT)), 800, 750)
        note = "pages felt slow"
        _command("set", _TIMEOUT.namespace, _TIMEOUT.key, str(value), "--env", self._env, "--note", note)
        await self._set({_TIMEOUT: value}, note)
        print_line()
        print_line("Each of them reads it from its own memory, in nanoseconds:")
        await self._check_memory(_TIMEOUT, value)
        return value

    async def _change_several(self) -> int:
        _heading("3. Change several keys at once: every instance gets all of them or none.")
        values = {
            _TIMEOUT: 8_000,
            _THRESHOLD: _another(await self._present(_THRESHOLD), 0.35, 0.3),
            _MODEL: _another(await self._present(_MODEL), "ltr-v9", "ltr-v10"),
        }
        note = "experiment 12"
        words = [f"{name}={value}" for name, value in values.items()]
        _command("set", *words, "--env", self._env, "--note", note)
        return (await self._set(values, note)).revision

    async def _look_back(self) -> None:
        _heading("4. Look back: who changed it, from what to what, and why.")
        _command("history", _TIMEOUT.namespace, _TIMEOUT.key, "--env", self._env, "--limit", "3")
        place = {"env": self._env, "namespace": _TIMEOUT.namespace, "key": _TIMEOUT.key, "limit": 3}
        found = read_answer(History, await self._link.request("history", place))
        print_history(found)
        _require(found.changes[0].value == 8_000, "the newest change of the history is the last one made")

    async def _roll_back(self, revision: int, calm: int) -> None:
        _heading("5. That was a bad idea. Take the whole change set back, by its revision.")
        note = "too many refused orders"
        options = ["--env", self._env, "--note", note]
        _command("rollback", "--change-set", str(revision), *options)
        params = {"env": self._env, "change_set": revision, "note": note}
        await self._write("rollback", params)
        await self._check_memory(_TIMEOUT, calm)

    async def _refuse_a_mistake(self, calm: int) -> None:
        _heading("6. A value that is not of the key's type is refused, and nothing changes.")
        _command("set", _TIMEOUT.namespace, _TIMEOUT.key, "soon", "--env", self._env)
        change = {"namespace": _TIMEOUT.namespace, "key": _TIMEOUT.key, "value": "soon"}
        try:
            await self._link.request("set", {"env": self._env, "changes": [change], "note": ""})
        except RequestFailed as error:
            _require(error.kind == "invalid_value", f"the hub refuses it as an invalid value, not as {error.kind}")
            print_line(f"refused: {safe_text(str(error))}")
        else:
            raise TourFailed("the hub took a text as the value of an int")
        await self._check_memory(_TIMEOUT, calm)

    async def _set(self, values: Mapping[KeyName, Any], note: str) -> ChangeSet:
        changes = [{"namespace": name.namespace, "key": name.key, "value": value} for name, value in values.items()]
        return await self._write("set", {"env": self._env, "changes": changes, "note": note})

    async def _write(self, method: str, params: dict[str, Any]) -> ChangeSet:
        written = await write(self._link, method, params, request_id=str(uuid.uuid4()), wait=_WAIT_SECONDS)
        done = read_answer(ChangeSet, written.result)
        print_change_set(done)
        _require(done.receipt is not None, "the answer to a change carries a receipt")
        assert done.receipt is not None
        _require(
            done.receipt.complete and done.receipt.current >= self._instances,
            f"all {self._instances} instances run {format_revision(done.revision)} within {_WAIT_SECONDS:.0f} s",
        )
        return done

    async def _present(self, name: KeyName) -> Any:
        key: Key = await find_key(self._link, name)
        active = key.environments.get(self._env)
        return None if active is None else active.value

    async def _check_memory(self, name: KeyName, value: Any) -> None:
        read = await self._fleet.read(name.namespace, name.key)
        agreeing = sum(1 for found in read.values() if found == value)
        call = f"config.get_int({dumps(name.namespace)}, {dumps(name.key)})"
        print_line(f"{call} → {dumps(value)} in {agreeing} of {counted(len(read), 'instance')}")
        _require(agreeing == len(read) == self._instances, f"every instance reads {dumps(value)} from its memory")


def _heading(text: str) -> None:
    print_line()
    print_line((text, "bold"))


def _command(*words: str) -> None:
    print_line(("$ " + shlex.join(["setpoint", *words]), "cyan"))


def _another(present: Any, first: Any, second: Any) -> Any:
    """Return a value that differs from the present one: the tour is repeatable on data that is kept."""
    return second if present == first else first


def _require(holds: bool, what: str) -> None:
    if not holds:
        raise TourFailed(f"the tour found that this does not hold: {what}")
