"""Text that other people wrote, made harmless and visible before it reaches a terminal."""

__all__ = ["LONGEST_CELL", "safe_text"]

LONGEST_CELL = 2_000
"""Characters of one value that a screen shows; whoever needs all of it asks for the value itself."""

_JOINERS = "\u200c\u200d"
"""Non-joiner and joiner: invisible and harmless, and part of how Persian and emoji are written."""


def safe_text(text: str, *, limit: int | None = LONGEST_CELL, keep: str = "") -> str:
    r"""Return `text` with everything that a terminal would act on, or hide, written as an escape.

    Controls (C0, DEL, C1), bidirectional and other format characters, line and paragraph separators,
    private-use characters and lone surrogates become `\n`, `\x1b`, `\u202e`, `\U000e0041`. Characters in
    `keep` stay as they are. The result holds at most `limit` characters, the last of them `…` when some are
    left out.
    """
    cut = limit is not None and len(text) > limit
    shown = text[:limit] if cut else text
    if not shown.isprintable():
        shown = "".join(_visible(character, keep) for character in shown)
    if limit is not None and (cut or len(shown) > limit):
        return shown[: limit - 1] + "…"
    return shown


def _visible(character: str, keep: str) -> str:
    harmless = character.isprintable() or character in _JOINERS or character in keep
    return character if harmless else _escape(character)


def _escape(character: str) -> str:
    named = {"\n": r"\n", "\r": r"\r", "\t": r"\t"}
    if character in named:
        return named[character]
    code = ord(character)
    if code <= 0xFF:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"
