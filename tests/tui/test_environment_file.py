"""An environment as a file: read back exactly, always the same text, and refused where it is not clear."""

import contextlib
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from setpoint.protocol.messages import Entry
from setpoint.protocol.values import Json, ValueType
from setpoint_tui.as_code import strict_yaml
from setpoint_tui.as_code.document import EnvironmentFile, read_file, write_file
from setpoint_tui.errors import InvalidFile

VERSION = str(UUID(int=1))
HEAD = "setpoint: 1\nenv: production\nrevision: 43\nnamespaces:\n"

texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=60)
lines = st.lists(st.sampled_from(["", " ", "a", "  a: b", "- c", "# d", "e ", "\t", "---", "..."]), max_size=6).map(
    "\n".join
)
floats = st.floats(allow_nan=False, allow_infinity=False)
ints = st.integers(-(2**63), 2**63 - 1)
scalars = st.one_of(st.none(), st.booleans(), ints, floats, texts, lines)
jsons = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(texts, inner, max_size=4)),
    max_leaves=12,
)
names = st.one_of(
    st.text("abAB019._/-", min_size=1, max_size=12),
    st.sampled_from(
        ["null", "true", "No", "y", "1", "1.0", "-", "---", "...", "~"[:0] + ".", "0x1F", "2030-01-01", "k" * 100]
    ),
)
entries = st.one_of(
    st.builds(Entry, st.just("string"), st.one_of(texts, lines), st.just(VERSION)),
    st.builds(Entry, st.just("int"), ints, st.just(VERSION)),
    st.builds(Entry, st.just("float"), floats, st.just(VERSION)),
    st.builds(Entry, st.just("bool"), st.booleans(), st.just(VERSION)),
    st.builds(Entry, st.just("json"), jsons, st.just(VERSION)),
)
environments = st.dictionaries(names, st.dictionaries(names, entries, min_size=1, max_size=4), max_size=4)


def held(file: EnvironmentFile) -> dict[str, dict[str, Entry]]:
    """Return what a file says in the form in which a hub says it."""
    return {
        namespace: {key: Entry(found.type, found.value, VERSION) for key, found in settings.items()}
        for namespace, settings in file.namespaces.items()
    }


def exact(values: Any) -> str:
    """Tell 1 from 1.0, True and "1", and -0.0 from 0.0: `==` does not."""
    return repr(values)


def one(value_type: ValueType, value: Json) -> dict[str, dict[str, Entry]]:
    return {"payments": {"limits": Entry(value_type, value, VERSION)}}


@given(environments)
@example({})
@example(one("json", {"k" * 1500: 1, "a\u0085b": ["\ufeff", "\u2028", "\x7f", "\u202e", "\U0001f600", "\U0010ffff"]}))
@example(one("json", [[[], {}], [{"a": [{"b": "x\ny"}, "x\ny\n", "\nx", "x\n\n", " x\ny"]}]]))
@example(one("json", {"<<": 1, "": 2, "? ": 3, "- a": 4, "a: b": 5, "yes": 6, "#": 7, "'": 8, '"': 9}))
@example(one("string", "x" * 64_000))
@example(one("float", 1e300))
@example(one("float", -0.0))
@example(one("int", -(2**63)))
def test_what_is_written_is_read_back_exactly(values: dict[str, dict[str, Entry]]) -> None:
    text = write_file("production", 43, values)
    file = read_file(text)
    assert (file.env, file.revision) == ("production", 43)
    ordered = {namespace: dict(sorted(keys.items())) for namespace, keys in sorted(values.items())}
    assert exact(held(file)) == exact(ordered)
    # The same values are the same text, in whatever order they came.
    assert write_file("production", 43, dict(reversed(held(file).items()))) == text


@given(environments)
def test_the_reader_without_libyaml_reads_the_same(values: dict[str, dict[str, Entry]]) -> None:
    text = write_file("production", 43, values)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(strict_yaml, "_Loader", yaml.SafeLoader)
        pure = read_file(text)
    assert exact(pure) == exact(read_file(text))


@given(environments)
def test_the_usual_reader_of_yaml_reads_the_same(values: dict[str, dict[str, Entry]]) -> None:
    found = yaml.safe_load(write_file("production", 43, values))
    plain = {
        namespace: {key: {"type": entry.type, "value": entry.value} for key, entry in sorted(keys.items())}
        for namespace, keys in sorted(values.items())
    }
    assert exact(found["namespaces"]) == exact(plain)


def test_a_file_is_what_a_person_would_write() -> None:
    values = {
        "payments": {
            "rules": Entry("json", {"rps": 50, "hosts": ["a", {"b": None}], "none": []}, VERSION),
            "max_retries": Entry("int", 3, VERSION),
            "text": Entry("string", "first\n  second\n", VERSION),
            "zone": Entry("string", "no", VERSION),
        },
        "empty": {},
    }
    assert write_file("production", 43, values) == (
        HEAD + "  payments:\n"
        "    max_retries:\n      type: int\n      value: 3\n"
        "    rules:\n      type: json\n      value:\n        rps: 50\n        hosts:\n"
        '          - "a"\n          - b: null\n        none: []\n'
        "    text:\n      type: string\n      value: |\n        first\n          second\n"
        '    zone:\n      type: string\n      value: "no"\n'
    )
    assert write_file("staging", 0, {}) == "setpoint: 1\nenv: staging\nrevision: 0\nnamespaces: {}\n"


def test_the_documented_file_is_what_an_export_prints() -> None:
    page = (Path(__file__).parents[2] / "docs/review-as-code.md").read_text()
    shown = next(block for block in page.split("```yaml\n")[1:] if block.startswith("setpoint:")).partition("```")[0]
    file = read_file(shown)
    assert file.revision is not None
    assert write_file(file.env, file.revision, held(file)) == shown


def test_what_a_reviewer_would_not_see_is_written_as_an_escape() -> None:
    hidden = "a\u202eb\u00a0c\u200bd\ufeff"
    text = write_file("production", 1, one("string", hidden))
    assert text.isascii()
    assert r'"a\u202eb\u00a0c\u200bd\ufeff"' in text


def test_a_file_by_hand_may_use_the_other_ways_to_write_the_same() -> None:
    file = read_file(
        "# comment\n---\nnamespaces: {payments: {a: {type: json, value: {rps: 50, on: [1, 'x']}}}}\nenv: 'production'\n"
        "setpoint: 1\n...\n"
    )
    assert file.revision is None
    assert file.namespaces["payments"]["a"].value == {"rps": 50, "on": [1, "x"]}


@pytest.mark.parametrize(
    ("value_type", "written", "value"),
    [
        ("int", "5", 5),
        ("float", "5", 5.0),
        ("float", "1e5", 1e5),
        ("float", "-0.5E-3", -0.0005),
        ("string", "'5'", "5"),
        ("string", "plain words, here", "plain words, here"),
        ("string", '"yes"', "yes"),
        ("string", ">\n        folded\n        lines\n", "folded lines\n"),
        ("json", "", None),
        ("json", "[true, null, x]", [True, None, "x"]),
    ],
)
def test_a_plain_word_is_what_json_says_or_a_text(value_type: str, written: str, value: Any) -> None:
    text = f"{HEAD}  p:\n    k:\n      type: {value_type}\n      value: {written}\n"
    assert exact(read_file(text).namespaces["p"]["k"].value) == exact(value)


AMBIGUOUS = """
    yes No on OFF TRUE Null ~ 010 0x1F 1_000 +5 .5 5. 1:30 2030-01-01 .inf -.INF .nan .NaN =
"""


@pytest.mark.parametrize("word", AMBIGUOUS.split())
@pytest.mark.parametrize("value_type", ["string", "float", "json"])
def test_a_word_that_versions_of_yaml_read_differently_is_refused(word: str, value_type: str) -> None:
    text = f"{HEAD}  p:\n    k:\n      type: {value_type}\n      value: {word}\n"
    with pytest.raises(InvalidFile, match=r"line 8: .* can be read in several ways") as refused:
        read_file(text)
    assert word in str(refused.value)
    quoted = f'{HEAD}  p:\n    k:\n      type: string\n      value: "{word}"\n'
    assert read_file(quoted).namespaces["p"]["k"].value == word


def setting(body: str) -> str:
    return f"{HEAD}  payments:\n    retries:\n{body}"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "the file is empty"),
        ("# nothing but this\n", "the file is empty"),
        ("5", "line 1: the file is not a mapping"),
        ("- a", "line 1: the file is not a mapping"),
        ("{", "not YAML"),
        ("a: b: c", "line 1: not YAML"),
        ("\x00", "not YAML"),
        ("%YAML 9.9\n---\na", "not YAML"),
        ("a: 1\n", "begins with setpoint: 1"),
        ("setpoint: 2\n", "line 1: setpoint: 2 is a format that is not known"),
        ("setpoint: true\n", "not known"),
        ("setpoint: 1\nnamespaces: {}\n", "which environment"),
        ("setpoint: 1\nenv: production\n", "holds no namespaces"),
        ("setpoint: 1\nenv: [production]\nnamespaces: {}\n", "line 2: env is the name"),
        ("setpoint: 1\nenv: pro duction\nnamespaces: {}\n", "line 2: environment 'pro duction'"),
        ("setpoint: 1\nenv: production\nnamespaces:\n", "line 3: namespaces is not a mapping"),
        ("setpoint: 1\nenv: production\nnamespaces: {}\nrevision: 1.0\n", "line 4: revision is a whole number"),
        ("setpoint: 1\nenv: production\nnamespaces: {}\nrevision: -1\n", "line 4: revision"),
        ("setpoint: 1\nenv: production\nnamespaces: {}\nextra: 1\n", "line 4: the file has an unknown member 'extra'"),
        ("setpoint: 1\nsetpoint: 1\n", "line 2: 'setpoint' stands twice"),
        (HEAD + "  payments: []\n", "line 5: payments is not a mapping"),
        (HEAD + "  pay ments: {}\n", "line 5: namespace 'pay ments'"),
        (HEAD + "  p: {}\n  p: {}\n", "line 6: 'p' stands twice"),
        (HEAD + "  payments:\n    retries: 3\n", "line 6: payments/retries is not a mapping"),
        (HEAD + "  payments:\n    re tries:\n      type: int\n", "line 6: key 're tries'"),
        (setting("      value: 3\n"), "payments/retries has no type"),
        (setting("      type: int\n"), "payments/retries has no value"),
        (
            setting("      type: int\n      value: 3\n      note:\n        - x\n"),
            "line 9: payments/retries has an unknown",
        ),
        (setting("      type: number\n      value: 3\n"), "line 7: payments/retries: 'number' is no type"),
        (setting("      type: [int]\n      value: 3\n"), "is no type"),
        (setting("      type: int\n      value: '3'\n"), "line 8: payments/retries: a string was given"),
        (setting("      type: int\n      value: 3.0\n"), "a float was given"),
        (setting(f"      type: int\n      value: {2**63}\n"), "64 bits"),
        (setting(f"      type: int\n      value: {'9' * 5000}\n"), "not finite"),
        (setting("      type: string\n      value: 3\n"), "put it in quotes"),
        (setting("      type: string\n      value:\n"), "null was given"),
        (setting('      type: string\n      value: "a\\0b"\n'), "NUL"),
        (setting('      type: string\n      value: "\\uD800"\n'), "line 8"),
        (setting("      type: string\n      value: " + "x" * 65_535 + "\n"), "65,536"),
        (setting("      type: bool\n      value: 'true'\n"), "a string was given"),
        (setting("      type: float\n      value: 1e400\n"), "not finite"),
        (setting("      type: float\n      value: NaN\n"), "a string was given"),
        (setting("      type: json\n      value: {a: 1, a: 2}\n"), "line 8: 'a' stands twice"),
        (setting("      type: json\n      value: {[a]: 1}\n"), "cannot be a key"),
        (setting("      type: json\n      value: " + "[" * 33 + "]" * 33 + "\n"), "32 levels"),
        (setting("      type: json\n      value: " + "[" * 100_000 + "\n"), "40 levels"),
        (setting("      type: json\n      value: {<<: {a: 1}}\n"), "merge keys"),
        (setting("      type: int\n      value: !!int '3'\n"), "line 8: tags"),
        (setting("      type: int\n      value: ! 3\n"), "tags"),
        (setting("      type: json\n      value: !!python/object/apply:os.system [ls]\n"), "tags"),
        (setting("      type: json\n      value: &a 3\n"), "line 8: aliases and anchors"),
        (setting("      type: json\n      value: *a\n"), "line 8: aliases and anchors"),
        (HEAD + "  payments: {}\n---\n" + HEAD + "  payments: {}\n", "line 6: a second document"),
        (HEAD + "  payments: {}\n...\n---\n", "second document"),
    ],
    ids=lambda text: text[-40:],
)
@pytest.mark.parametrize("loader", ["libyaml", "pure"])
def test_what_is_not_clear_is_refused_with_its_place(
    text: str, said: str, loader: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if loader == "pure":
        monkeypatch.setattr(strict_yaml, "_Loader", yaml.SafeLoader)
    with pytest.raises(InvalidFile) as refused:
        read_file(text)
    assert said in str(refused.value)


def test_a_file_that_would_unfold_without_end_is_refused_before_it_does() -> None:
    bomb = "a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 60))
    with pytest.raises(InvalidFile, match="line 1: aliases and anchors are not taken"):
        read_file(bomb)


def test_a_file_of_unreasonable_size_is_refused_unread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(strict_yaml, "LARGEST_FILE", 100)
    with pytest.raises(InvalidFile, match="the most allowed is 100"):
        read_file(HEAD + "  payments: {}\n" + "#" * 100)


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(InvalidFile):
        assert read_file(HEAD + text).env == "production"
