"""Putting people back who were taken out of a campaign before its first mail, once no stop is in the way."""

from collections.abc import Collection
from datetime import datetime

from django.db import transaction
from django.db.models import Exists, F, OuterRef, QuerySet, Subquery

from accounts.models import User
from campaigns import enrolling, stopping
from campaigns.models import Campaign, Enrollment, Message, Step
from outreach.lib.retrying import retried
from prospects import notes, suppression
from prospects.models import Prospect

LIFTABLE = ("person_stopped", "site_stopped", "suppressed", stopping.TAKEN_OUT, *suppression.LIFTABLE)
ANEW = ("send_at", "awaits", "why", "planned_at", "step_id", "arm_id", "template_version_id", "is_follow_up")
NOT_BEGUN = (Message.State.PLANNED, Message.State.CANCELLED)


def may_re_enter(*, campaign: Campaign | None = None) -> QuerySet[Enrollment]:
    """Ways that ended by a stop which can be taken back, before any message was begun; of launched campaigns.

    Whether anything stops their people now is asked of the people (`enrolling.reachable`).
    """
    begun = Message.objects.filter(campaign=OuterRef("campaign")).exclude(
        state__in=NOT_BEGUN, marked_at=None, handed_over_at=None
    )
    ended = Enrollment.objects.filter(
        ~Exists(begun.filter(prospect=OuterRef("prospect"))),
        # Rows merged into them; one condition for both would compare each way with every message of its campaign.
        ~Exists(begun.filter(prospect__person=OuterRef("prospect"))),
        state=Enrollment.State.STOPPED,
        stop_reason__in=LIFTABLE,
        steps_handed_over=0,
        campaign__rehearsal_of=None,
        campaign__state__in=(Campaign.State.RUNNING, Campaign.State.PAUSED),
    )
    return ended if campaign is None else ended.filter(campaign=campaign)


def campaigns_for(*, prospect: Prospect) -> list[Campaign]:
    """The campaigns this person can be put back into now. Two queries, and one for each of the few that are found."""
    ways = may_re_enter().filter(prospect=prospect).select_related("campaign__mailbox").order_by("-id")
    mine = Prospect.objects.filter(pk=prospect.pk)
    return [way.campaign for way in ways[:10] if enrolling.reachable(campaign=way.campaign, prospects=mine).exists()]


@retried
@transaction.atomic
def re_enter(*, campaign: Campaign, prospect_ids: Collection[int], now: datetime, by: User | None) -> list[int]:
    """Puts back whoever may re-enter, at their first step; returns their keys, nobody twice.

    Nobody gets a mail a second time: whose message was ever begun, whose answer ended it or whom anything stops stays
    out. A message that the stop cancelled is planned anew by the planner, as the same row of the ledger.
    """
    enrolling.begin()
    stopping.lock_open_of(prospect_ids=prospect_ids)
    free = enrolling.reachable(campaign=campaign, prospects=Prospect.objects.filter(pk__in=prospect_ids))
    found = may_re_enter(campaign=campaign).filter(prospect__in=free.order_by().values("pk"))
    ways = dict(found.order_by("id").values_list("id", "prospect_id"))
    version = campaign.live_version()  # they have got nothing: they begin as whoever is new
    first = Step.objects.filter(sequence_version=version).order_by("position")
    Enrollment.objects.filter(pk__in=ways, state=Enrollment.State.STOPPED).update(
        state=Enrollment.State.ACTIVE,
        stop_reason="",
        ended_at=None,
        sequence_version=version,
        next_step_key=Subquery(first.values("key")[:1]),
        due_at=now,
        look_at=now,
    )
    if ways:
        text = f"Put back into the campaign “{campaign}”, from its first step."
        notes.add_notes(prospect_ids=ways.values(), text=text, by=by)
    return sorted(ways.values())


def revive(*, enrollment_ids: Collection[int], planned: Collection[Message]) -> None:
    """Gives the cancelled message of somebody who was put back, or whose sequence was changed, its new place and words.

    For the planner, in its transaction.
    """
    waiting = Message.objects.filter(
        enrollment__in=enrollment_ids,
        enrollment__state=Enrollment.State.ACTIVE,
        enrollment__next_step_key=F("step_key"),
        state=Message.State.CANCELLED,
        marked_at=None,
        handed_over_at=None,
    )
    places = {(message.enrollment_id, message.step_key): message for message in planned}
    revived = list(waiting.order_by("id").select_for_update(of=("self",)))
    for message in revived:
        place = places[message.enrollment_id, message.step_key]
        message.state, message.cancel_reason, message.overdue_at = Message.State.PLANNED, "", None
        for name in ANEW:
            setattr(message, name, getattr(place, name))
    changed = ["state", "cancel_reason", "overdue_at", *ANEW]
    Message.objects.bulk_update(revived, changed, batch_size=1000)
