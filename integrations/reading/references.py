"""Which earlier mails an incoming one talks about."""

import re

from integrations.reading.parts import Parts, content, kind

PART = r"[!-;=?A-~]{1,400}"  # printable ASCII without < > @ (RFC 5322 section 3.6.4, generously)
MESSAGE_ID = re.compile(rf"<{PART}@{PART}>")
QUOTED_ID = re.compile(rf"\bMessage-ID:\s{{0,20}}(<{PART}@{PART}>)", re.IGNORECASE)
MOST = 50


def candidates(mail: Parts) -> tuple[str, ...]:
    """Message-IDs, best first: In-Reply-To, References from the end, then every id that a part or the text quotes."""
    own = str(mail.message.get("Message-ID", "")).strip()
    found = MESSAGE_ID.findall(str(mail.message.get("In-Reply-To", ""))[:10_000])
    found += reversed(MESSAGE_ID.findall(str(mail.message.get("References", ""))[:50_000]))
    for part in mail.leaves:
        found += MESSAGE_ID.findall(str(part.get("Message-ID", ""))[:2_000])
        if kind(part).startswith(("text/", "message/")):
            found += QUOTED_ID.findall(content(part))
        if len(found) > MOST * 4:
            break
    return tuple(dict.fromkeys(each for each in found if each != own))[:MOST]
