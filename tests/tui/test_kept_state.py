"""What a console leaves behind: read and replaced whole, whatever is wrong with the file or the disk."""

import stat
from pathlib import Path

from setpoint_tui.kept_state import KeptState, state_file


def test_what_was_written_is_read(tmp_path: Path) -> None:
    kept = KeptState(tmp_path / "deep" / "state.json")
    kept.write({"text": "ü \u202e", "number": 1})
    assert KeptState(kept.path).read() == {"text": "ü \u202e", "number": 1}
    assert kept.trouble is None


def test_only_its_owner_may_read_it(tmp_path: Path) -> None:
    kept = KeptState(tmp_path / "state.json")
    kept.write({"draft": "a connection string"})
    assert stat.S_IMODE(kept.path.stat().st_mode) == 0o600


def test_a_file_that_cannot_be_read_is_set_aside_and_told(tmp_path: Path) -> None:
    for content in ("{", "[]", "\x00", "[" * 100_000):
        path = tmp_path / "state.json"
        path.write_text(content)
        kept = KeptState(path)
        assert kept.read() == {}
        assert kept.trouble is not None
        assert "state.json.broken" in kept.trouble
        assert (tmp_path / "state.json.broken").read_text() == content
        assert not path.exists()


def test_a_disk_that_cannot_be_written_is_told_and_raises_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    kept = KeptState(tmp_path / "file" / "state.json")
    kept.write({"a": 1})
    assert kept.trouble is not None
    assert "cannot be written" in kept.trouble


def test_a_write_that_fails_leaves_the_file_that_was_there(tmp_path: Path) -> None:
    kept = KeptState(tmp_path / "state.json")
    kept.write({"a": 1})
    kept.write({"a": "\ud800"})
    assert kept.trouble is not None
    assert KeptState(kept.path).read() == {"a": 1}
    assert [path.name for path in tmp_path.iterdir()] == ["state.json"]


def test_each_hub_has_a_file_of_its_own(tmp_path: Path) -> None:
    names = {state_file(tmp_path, url) for url in ("http://a:1", "http://a:2", "http://../../etc:1")}
    assert len(names) == 3
    assert all(path.parent == tmp_path for path in names)
