"""How a mailbox is doing, in words."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from integrations import outages
from integrations.models import Mailbox

WAITS = "They wait, and it is tried again by itself, at least once an hour."
CURE = (
    "Look at server, port, encryption and login, or ask its provider what the words mean; when it is put right, "
    "“Check it now” lets them go on at once."
)
BLIND_AFTER = timedelta(minutes=30)  # without a complete look into it no follow-up leaves


@dataclass(frozen=True, slots=True)
class Health:
    """`tone` is good, warn, bad or "" (out of service); `word` fits a badge, each sentence says one thing to know."""

    tone: str
    word: str
    sentences: tuple[str, ...] = ()


def of(*, mailbox: Mailbox, now: datetime) -> Health:
    """The worst thing gives tone and word, everything that is wrong a sentence."""
    if mailbox.status == Mailbox.Status.RETIRED:
        return _retired(mailbox, now)
    found = [*_sending(mailbox), *_receiving(mailbox, now)]
    if not found:
        return Health("good", "Works")
    worst = min(found, key=lambda one: one.tone)  # "bad" before "warn"
    return Health(worst.tone, worst.word, tuple(sentence for one in found for sentence in one.sentences))


def _retired(mailbox: Mailbox, now: datetime) -> Health:
    if not mailbox.imap_host:
        return Health("", "Retired", ("Nothing is sent from it any more, and nobody reads it.",))
    unread = [sentence for found in _receiving(mailbox, now) for sentence in found.sentences]
    said = "Nothing is sent from it any more; answers are still read."
    return (
        Health("bad", "Can't be read", (*unread,)) if unread and mailbox.polled_at else Health("", "Retired", (said,))
    )


def _sending(mailbox: Mailbox) -> list[Health]:
    found = []
    if mailbox.status == Mailbox.Status.PAUSED:
        reason = mailbox.status_reason.strip().rstrip(".") or "no reason is known"
        found.append(Health("bad", "Paused", (f"Nothing is sent from it: {reason}.", "Answers are still read.")))
    elif outages.is_lasting(mailbox=mailbox):
        words, cure = mailbox.send_error.rstrip("."), CURE
        found.append(Health("bad", "Can't send", (f"Its mails are not taken: {words}.", f"{WAITS} {cure}")))
    elif mailbox.send_failures:
        words = mailbox.send_error.rstrip(".")
        found.append(Health("warn", "Tried again", (f"Its mails were not taken just now: {words}.", WAITS)))
    if mailbox.verified_at is None:
        sentence = "It was not checked since its servers were set: no campaign can be launched with it."
        found.append(Health("warn", "Not checked", (sentence,)))
    return found


def _receiving(mailbox: Mailbox, now: datetime) -> list[Health]:
    if mailbox.poll_error:
        words = mailbox.poll_error.rstrip(".")
        return [Health("bad", "Can't be read", (f"Its answers can't be read: {words}.", "Follow-ups wait."))]
    if mailbox.polled_at is None:
        return [Health("warn", "Not read yet", ("Its answers are read for the first time within a minute or two.",))]
    if mailbox.polled_at < now - BLIND_AFTER:
        return [Health("bad", "Not read", ("Its answers were not read for more than half an hour: follow-ups wait.",))]
    return []
