"""Answers as the inbox lists them: what kinds there are, which wait, which come first."""

import textwrap
from dataclasses import dataclass
from itertools import chain
from urllib.parse import quote

from django.db.models import Q, QuerySet
from django.utils import timezone

from campaigns.models import Reply
from integrations.ports import ReplyClass

FIRST = (ReplyClass.POSITIVE, ReplyClass.QUESTION)


@dataclass(frozen=True)
class Kind:
    """A class of answers in the words and colour of the pages."""

    words: str
    tone: str


KINDS: dict[str, Kind] = {
    ReplyClass.POSITIVE: Kind("Interested", "good"),
    ReplyClass.QUESTION: Kind("Question", "accent"),
    ReplyClass.NEGATIVE: Kind("Not interested", "bad"),
    ReplyClass.UNSUBSCRIBE: Kind("Asked us to stop", "bad"),
    ReplyClass.OTHER: Kind("Something else", ""),
    "": Kind("Something else", ""),
}
LABELS: dict[str, str] = {str(name): kind.words for name, kind in KINDS.items() if name}  # what may be chosen
LONGEST_SUBJECT = 200
LINE = 72
LONGEST_QUOTE = 1_500  # of the encoded text: mail programs cut an address off at about 2,000 characters


def shown() -> QuerySet[Reply]:
    """Every answer but those to rehearsals, with what a line of the inbox shows."""
    real = Q(message=None) | Q(message__campaign__rehearsal_of=None)
    return Reply.objects.filter(real).select_related("prospect", "message__campaign", "relabelled_by")


def waiting() -> QuerySet[Reply]:
    """Those nobody has read."""
    return shown().filter(read_at=None)


def of_kind(replies: QuerySet[Reply], kind: str) -> QuerySet[Reply]:
    """Those of one class; "other" are also those of none, "" is all of them."""
    if not kind:
        return replies
    return replies.filter(reply_class__in=["", kind] if kind == ReplyClass.OTHER else [kind])


def correction(reply: Reply) -> str:
    """How an answer was read before somebody corrected it, and who; "" when nobody did."""
    if reply.relabelled_at is None or reply.machine_class == reply.reply_class:
        return ""
    first = KINDS.get(reply.machine_class)
    was = first.words.lower() if first else "an automatic answer"
    return f"read as {was}, corrected by {reply.relabelled_by or 'somebody'}"


def mail_address(reply: Reply) -> str:
    """The address that opens a mail program on our answer: to whom, "Re:", and what they wrote, as far as it fits."""
    subject = reply.subject or (reply.message.subject if reply.message else "")
    if not subject.lower().startswith("re:"):
        subject = f"Re: {subject}".strip()
    address = f"mailto:{quote(reply.sender, safe='@')}?subject={quote(subject[:LONGEST_SUBJECT])}"
    return f"{address}&body={quote(_quoted(reply))}" if reply.text else address


def _quoted(reply: Reply) -> str:
    """What they wrote under a line for our words; every line end is CRLF (RFC 6068 section 5)."""
    kept = f"\r\n\r\nOn {timezone.localtime(reply.received_at):%d %b %Y} you wrote:\r\n"
    lines = (textwrap.wrap(line, LINE) or [""] for line in reply.text.splitlines())
    for line in chain.from_iterable(lines):
        longer = f"{kept}> {line}\r\n"
        if len(quote(longer)) > LONGEST_QUOTE:
            return f"{kept}> …\r\n"
        kept = longer
    return kept
