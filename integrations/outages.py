"""A server that takes no mail of ours: asked ever more rarely, and told to a person when it goes on."""

from datetime import datetime, timedelta

from django.db.models import F, Q

from integrations.models import Mailbox

TOLD_AFTER = 3  # failures in a row: a server that is restarted is nobody's business
FIRST_WAIT = timedelta(minutes=5)
LONGEST_WAIT = timedelta(hours=1)
DOUBLINGS = 4  # from the first wait to beyond the longest


def wait(*, failures: int) -> timedelta:
    """How long nothing is tried after so many failures in a row (at least one)."""
    doublings = min(failures - 1, DOUBLINGS)
    return min(LONGEST_WAIT, FIRST_WAIT * (1 << doublings))


def failed(*, mailbox: Mailbox, reason: str, now: datetime) -> None:
    """Notes that its server could not be reached or let nobody in; until `send_again_at` nothing is tried.

    All connections that fail in one run are one failure. `now` is business time.
    """
    again = now + wait(failures=mailbox.send_failures + 1)
    may_try = Q(send_again_at=None) | Q(send_again_at__lte=now)
    Mailbox.objects.filter(may_try, pk=mailbox.pk).update(
        send_failures=F("send_failures") + 1, send_error=reason[:500], send_again_at=again
    )
    mailbox.refresh_from_db(fields=["send_failures", "send_error", "send_again_at"])


def over(*, mailbox: Mailbox) -> None:
    """It works again, or somebody has just put it right: the next mail goes at once. No query when nothing failed."""
    if mailbox.send_failures:
        Mailbox.objects.filter(pk=mailbox.pk).update(**NONE)
        for name, value in NONE.items():
            setattr(mailbox, name, value)


NONE = {"send_failures": 0, "send_error": "", "send_again_at": None}


def rests(*, mailbox: Mailbox, now: datetime) -> bool:
    """Whether it is too early to try again."""
    return mailbox.send_again_at is not None and mailbox.send_again_at > now


def is_lasting(*, mailbox: Mailbox) -> bool:
    """Whether a person has to know."""
    return mailbox.send_failures >= TOLD_AFTER
