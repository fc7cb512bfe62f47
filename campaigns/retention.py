"""Forgetting people we have held for long and never been in touch with."""

from calendar import monthrange
from datetime import datetime

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from campaigns import enrolling, privacy
from campaigns.models import Enrollment, Event, Message
from prospects.importing import forgotten
from prospects.models import File, Note, PrivacyRecord, Prospect, Stage

log = structlog.get_logger(__name__)

MOST = 2_000  # people in one run
TOGETHER = 200  # people in one transaction
EARLY = (Stage.Name.IDENTIFIED, Stage.Name.DECLINED, Stage.Name.UNREACHABLE)


def forget_old(*, now: datetime, limit: int = MOST) -> int:
    """Forgets up to `limit` people nobody has been in touch with for RETENTION_MONTHS; returns how many.

    0 months: nobody. Unlike somebody who asked to be erased they may be brought in again; a no of theirs stays, by its
    hash.
    """
    if settings.RETENTION_MONTHS <= 0:
        return 0
    since = months_before(now, settings.RETENTION_MONTHS)
    ids = list(never_in_touch(since=since).order_by("pk").values_list("pk", flat=True)[:limit])
    done = sum(_forget(ids[at : at + TOGETHER], since, now) for at in range(0, len(ids), TOGETHER))
    if ids:
        log.info("retention", forgotten=done, months=settings.RETENTION_MONTHS)
    return done


def never_in_touch(*, since: datetime) -> QuerySet[Prospect]:
    """Who has been here since before `since`, was never written to and never wrote, here or, since then, elsewhere.

    Nobody is among them whom somebody here looks after: by a note or a file since then, a next step, a protection, a
    stage in a program, or a campaign that is to come.
    """
    people = Prospect.objects.present().filter(
        Q(contacted_elsewhere_at=None) | Q(contacted_elsewhere_at__lt=since),
        created_at__lt=since,
        protected_at=None,
        next_step_date=None,
        is_demo=False,
    )
    for rows in (
        Message.objects.filter(handed_over_at__isnull=False, campaign__rehearsal_of=None),
        Event.objects.all(),
        Enrollment.objects.filter(state=Enrollment.State.ACTIVE),
        Stage.objects.exclude(name__in=EARLY),
        Note.objects.filter(created_at__gte=since),
        File.objects.filter(created_at__gte=since),
    ):
        for whose in ("prospect", "prospect__person"):  # one condition for both would compare each row with each person
            people = people.exclude(Exists(rows.filter(**{whose: OuterRef("pk")})))
    return people


def months_before(at: datetime, months: int) -> datetime:
    """The same day and time so many calendar months earlier; the last of the month where there is no such day."""
    year, month = divmod(at.year * 12 + at.month - 1 - months, 12)
    return at.replace(year=year, month=month + 1, day=min(at.day, monthrange(year, month + 1)[1]))


@transaction.atomic
def _forget(ids: list[int], since: datetime, now: datetime) -> int:
    """Asks again under a lock: somebody may have got in touch meanwhile. What is in somebody's hands waits a day.

    The locks come first, by themselves: a query does not look anew at what a lock that it waited for has changed.
    """
    forgotten.keep_imports_off()
    if not enrolling.keep_off():
        return 0
    locked = Prospect.objects.filter(pk__in=ids).order_by("pk").select_for_update().values_list("pk", flat=True)
    people = list(never_in_touch(since=since).filter(pk__in=list(locked)).order_by("pk"))
    if people:
        why = f"not in touch for {settings.RETENTION_MONTHS} months"
        privacy.forget(people=people, action=PrivacyRecord.Action.RETENTION, reason=why, by=None, now=now)
    return len(people)
