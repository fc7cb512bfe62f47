"""What a person's answer wants, as far as words tell; in doubt OTHER, and a person reads it anyway."""

import re

from integrations.ports import ReplyClass
from integrations.reading.parts import Parts
from integrations.reading.vocabulary import LEGAL, NO, STOP, STOP_ALONE, YES

SHORT = 600  # characters: whoever wants out says so briefly
QUESTION_MARKS = re.compile(r"[?？]|か[。．]")
UNSUBSCRIBE_LOCAL = re.compile(r"(?:^|[+._-])(?:unsubscribe|optout|opt-out|remove|leave)(?:$|[+._@-])", re.IGNORECASE)


def asks_to_stop(mail: Parts, *, subject: str, own_words: str) -> bool:
    """True for a mailto unsubscribe, and for a short text of the person's own that asks for no more mail."""
    to = [address.rpartition("@")[0] for address in (*mail.addresses("To"), *mail.addresses("Delivered-To"))]
    if any(UNSUBSCRIBE_LOCAL.search(local) for local in to):
        return True
    if subject.strip().lower() in STOP_ALONE:
        return True
    return _wants_out(own_words)


def classify(own_words: str) -> ReplyClass:
    """The class of an answer by its words."""
    text = own_words[:4_000]
    if _wants_out(text):
        return ReplyClass.UNSUBSCRIBE
    if NO.search(text):
        return ReplyClass.NEGATIVE
    if QUESTION_MARKS.search(text):
        return ReplyClass.QUESTION
    if YES.search(text):
        return ReplyClass.POSITIVE
    return (
        ReplyClass.NEGATIVE if re.match(r"(?:no|non|nein|nee|nej|nie|нет|ні|não)\b", text, re.I) else ReplyClass.OTHER
    )


def _wants_out(text: str) -> bool:
    words = text.strip(" \n.!*,").lower()
    if words in STOP_ALONE or LEGAL.search(text[:2_000]):
        return True
    return len(text) <= SHORT and bool(STOP.search(text))
