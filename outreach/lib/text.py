"""Text from outside, made fit to be stored and shown."""

import unicodedata


def printable(value: str, *, keep: str = "") -> str:
    """The text without surrounding space; control characters and line ends become spaces, unless they are in `keep`.

    NUL and halves of surrogate pairs, which PostgreSQL can't store, are gone.
    """
    if value.isprintable():
        return value.strip()
    return "".join(_kept(character, keep) for character in value).strip(" \ufeff\u00a0" + keep)


def _kept(character: str, keep: str) -> str:
    if character in keep:
        return character
    category = unicodedata.category(character)
    if category == "Cs" or character == "\0":
        return ""
    return " " if category in {"Cc", "Zl", "Zp"} else character
