"""Answers as the inbox lists them: what kinds there are, which wait, which come first."""

from dataclasses import dataclass

from django.db.models import Q, QuerySet

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


def shown() -> QuerySet[Reply]:
    """Every answer but those to rehearsals, with what a line of the inbox shows."""
    real = Q(message=None) | Q(message__campaign__rehearsal_of=None)
    return Reply.objects.filter(real).select_related("prospect", "message__campaign")


def waiting() -> QuerySet[Reply]:
    """Those nobody has read."""
    return shown().filter(read_at=None)


def of_kind(replies: QuerySet[Reply], kind: str) -> QuerySet[Reply]:
    """Those of one class; "other" are also those of none, "" is all of them."""
    if not kind:
        return replies
    return replies.filter(reply_class__in=["", kind] if kind == ReplyClass.OTHER else [kind])
