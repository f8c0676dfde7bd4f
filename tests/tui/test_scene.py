"""The live view draws whatever the hub says, within the screen."""

import io
from typing import Any

import pytest
from rich.console import Console

from setpoint_tui.answers import Instance, PastChangeSet, Receipt
from setpoint_tui.demo.scene import Scene, Seen, draw

HOSTILE = "\x1b]52;c;aGk=\x07\u202e[/] [@click=app.bell]"


def instance(number: int, **changed: Any) -> Instance:
    members: dict[str, Any] = {
        "client_id": f"api-{number}",
        "service": "api",
        "env": "staging",
        "namespaces": ["payments"],
        "revision": 2,
        "target": 2,
        "state": "current",
        "source": "push",
        "connected": True,
        "last_seen_seconds": 0.5,
        "applied_ms": 9.1,
    }
    return Instance.model_validate(members | changed)


def seen(number_of_changes: int = 1, text: str = "x", receipt: Receipt | None = None) -> Seen:
    change = {"namespace": "payments", "key": "text", "type": "string", "new": text, "version": "v"}
    members: dict[str, Any] = {
        "env": "staging",
        "revision": 2,
        "change_set": "c",
        "how": "set",
        "by": {"id": 1, "name": text},
        "note": text,
        "at": "2026-02-03T04:05:06Z",
        "changes": [{**change, "previous_version": None}] * number_of_changes,
    }
    return Seen(PastChangeSet.model_validate(members), receipt)


def screen(scene: Scene, width: int, height: int) -> list[str]:
    out = io.StringIO()
    console = Console(file=out, width=width, height=height, force_terminal=True, color_system=None)
    console.print(draw(scene, width, height))
    return out.getvalue().splitlines()


@pytest.mark.parametrize(("width", "height"), [(120, 36), (80, 24), (40, 12)])
@pytest.mark.parametrize("instances", [0, 12, 60])
def test_it_fits_the_screen(width: int, height: int, instances: int) -> None:
    scene = Scene("staging", "http://127.0.0.1:8430", 2, tuple(instance(number) for number in range(instances)))
    scene.changes.extend(seen(5, "long " * 100) for _ in range(20))

    lines = screen(scene, width, height)

    assert len(lines) <= height
    assert max(len(line) for line in lines) <= width
    assert "q quit" in "".join(lines)


def test_problems_come_first_and_nothing_hostile_is_printed() -> None:
    scene = Scene("staging", "http://127.0.0.1:8430", 2, (instance(1), instance(2, client_id=HOSTILE, state="refused")))
    scene.changes.append(seen(text=HOSTILE))
    scene.remark = HOSTILE

    printed = "\n".join(screen(scene, 200, 36))

    assert printed.index("refused") < printed.index("api-1")
    assert "[@click=app.bell]" in printed
    assert not set(printed) & {"\x1b", "\x07", "\u202e"}


def test_a_receipt_stands_before_values_that_may_be_long() -> None:
    receipt = Receipt.model_validate(
        {
            "env": "staging",
            "revision": 2,
            "complete": True,
            "instances": 12,
            "current": 12,
            "behind": 0,
            "refused": 0,
            "silent": 0,
            "polling": 0,
            "applied_ms": {"max": 14.0},
        }
    )
    scene = Scene("staging", "http://127.0.0.1:8430", 2)
    scene.changes.append(seen(text="long " * 50, receipt=receipt))

    assert any("12 of 12 in 14 ms" in line for line in screen(scene, 80, 24))
