"""Feedback reports (ARF, RFC 5965): a recipient pressed "this is spam"."""

import re
from dataclasses import dataclass

from integrations.reading.parts import Parts, address_of, content, kind

FEEDBACK = re.compile(r"^Feedback-Type\s*:\s*([\w-]+)", re.IGNORECASE | re.MULTILINE)
RECIPIENT = re.compile(r"^(?:Original-Rcpt-To|Removal-Recipient)\s*:\s*(.+)", re.IGNORECASE | re.MULTILINE)
COMPLAINTS = frozenset({"abuse", "opt-out"})


@dataclass(frozen=True)
class Feedback:
    """One feedback report. Only `is_complaint` ones are about a person who wants no more mail."""

    feedback_type: str
    recipients: tuple[str, ...]

    @property
    def is_complaint(self) -> bool:
        return self.feedback_type in COMPLAINTS


def read_feedback(mail: Parts) -> Feedback | None:
    """The report, or None when the mail is none; authentication reports (RFC 6591) come back as what they are."""
    for part in mail.leaves:
        if kind(part) != "message/feedback-report":
            continue
        inside = part.get_payload()
        text = "\n".join(str(each) for each in inside[:5]) if isinstance(inside, list) else content(part)
        found = FEEDBACK.search(text[:20_000])
        if found:
            recipients = (address_of(value) for value in RECIPIENT.findall(text[:20_000]))
            return Feedback(found.group(1).lower(), tuple(dict.fromkeys(each for each in recipients if each)))
    return None
