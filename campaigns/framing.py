"""A message's greeting and foot: what stays the same from step to step. Pure."""

import re
from dataclasses import dataclass

GREETING = re.compile(r"\A[^\n]{1,120}[,!:]\s*(?:\n\s*\n|\Z)")
RULE = re.compile(r"^-- ?$", re.MULTILINE)  # a foot begins with the line that mail programs know (RFC 3676 section 4.3)
IN_FOOT = re.compile(r"\{\{\s*(?:unsubscribe_url|postal_address)\b")


@dataclass(frozen=True)
class Parts:
    """A text in three; the greeting is one line that ends as greetings do, the foot begins with "--"."""

    greeting: str
    body: str
    foot: str


def parts(text: str) -> Parts:
    """Cuts a text; what is not recognised as greeting or foot is body."""
    text = text.replace("\r\n", "\n").strip()
    rules = list(RULE.finditer(text))
    foot = text[rules[-1].start() :] if rules else ""
    rest = text[: len(text) - len(foot)].strip()
    found = GREETING.match(rest)
    greeting = found.group().strip() if found else ""
    return Parts(greeting, rest[found.end() :].strip() if found else rest, foot.strip())


def empty(text: str) -> str:
    """The same text with nothing in between; "" when it has no foot that every mail must carry."""
    found = parts(text)
    foot = found.foot
    if not IN_FOOT.search(foot):
        foot = "\n\n".join(each for each in found.body.split("\n\n") if IN_FOOT.search(each))
        foot = f"--\n{foot}" if foot else ""
    return f"{found.greeting}\n\n\n\n{foot}\n".lstrip() if foot else ""
