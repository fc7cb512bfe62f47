"""Host names as people read them: decoded where nobody can be misled, in ASCII where a look-alike may hide."""

import re
import unicodedata
from functools import lru_cache

import idna

PREFIX = "xn--"
ENCODED = re.compile(r"(?<![\w-])(?:[\w-]+\.)*xn--[\w-]+(?:\.[\w-]+)*", re.IGNORECASE | re.ASCII)
LATIN_LETTERS = re.compile(
    "[a-z0-9\u00df-\u017e\u0219\u021b\u1e00-\u1eff-]+"
)  # what European languages are written with
MISLEADING = frozenset("\u0131\u0138\u0140\u0149")  # dotless i, kra, l with a dot, n with an apostrophe
ALIKE = frozenset(
    {"CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE", "COPTIC", "LISU"}
)  # scripts with the shapes of Latin letters
JAPANESE = frozenset({"CJK", "HIRAGANA", "KATAKANA", "KATAKANA-HIRAGANA"})


def readable(text: str) -> str:
    """The text with every encoded host name in it as it is read: an address, a domain, or a link.

    A label stays encoded when its letters are of several scripts, or of one that imitates Latin under a foreign top
    level domain: the rules browsers follow (UTS 39, single script), on the strict side. Never raises.
    """
    return ENCODED.sub(lambda found: _host(found[0]), text) if PREFIX in text.lower() else text


@lru_cache(maxsize=4_096)
def _host(host: str) -> str:
    labels = host.lower().split(".")
    decoded = [_label(label) for label in labels]
    top = _scripts(decoded[-1])
    shown = [read if _is_plain(read, top) else label for label, read in zip(labels, decoded, strict=True)]
    return ".".join(shown) if shown != labels else host


def _label(label: str) -> str:
    if not label.startswith(PREFIX):
        return label
    try:
        return idna.decode(label)
    except (idna.IDNAError, UnicodeError):
        return label


def _is_plain(label: str, top: frozenset[str]) -> bool:
    """Whether this label can be shown decoded; `top` is the scripts of the top level domain."""
    if LATIN_LETTERS.fullmatch(label):
        return not MISLEADING & set(label)
    scripts = _scripts(label)
    if not scripts or "LATIN" in scripts:
        return False
    return scripts <= JAPANESE or (len(scripts) == 1 and (not scripts & ALIKE or scripts == top))


def _scripts(label: str) -> frozenset[str]:
    """The first word of each letter's name is its script."""
    letters = (unicodedata.name(letter, "UNKNOWN") for letter in label if unicodedata.category(letter)[0] in "LM")
    return frozenset(name.partition(" ")[0] for name in letters)
