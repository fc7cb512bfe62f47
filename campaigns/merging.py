"""What a merge means for campaigns: nobody gets twice what either row has got, and nobody who said no gets anything.

A merge is a fact of prospects; until it is applied here, the gate refuses both rows. Messages, answers and enrollments
stay where they are: they are what happened.
"""

from datetime import datetime

from django.db import connection, transaction
from django.db.models import Q

from campaigns import stopping
from campaigns.models import Enrollment, Message, Reply
from outreach.lib.faults import fault
from outreach.lib.models import DatabaseClock, new_public_id
from outreach.lib.retrying import retried
from prospects import suppression
from prospects.models import Merge, Prospect

BATCH = 500
REASON = "merged"
CONTACTED = (
    *(Message.State.SENDING, Message.State.SENT, Message.State.REFUSED),
    *(Message.State.UNCERTAIN, Message.State.ABANDONED),
)

# Campaigns that only the tombstone was in: the survivor must not be enrolled there as somebody new.
_STAND_IN = """
INSERT INTO campaigns_enrollment (public_id, campaign_id, prospect_id, sequence_version_id, mailbox_id, state,
       stop_reason, ended_at, next_step_key, steps_handed_over)
SELECT who.public_id, e.campaign_id, %s, e.sequence_version_id, e.mailbox_id, 'stopped', 'merged', clock_timestamp(),
       '', 0
  FROM unnest(%s::uuid[], %s::bigint[]) AS who(public_id, id) JOIN campaigns_enrollment e ON e.id = who.id
    ON CONFLICT (campaign_id, prospect_id) DO NOTHING"""


def apply_waiting() -> int:
    """Applies merges in the order they were made, each in a transaction of its own; returns how many."""
    waiting = Merge.objects.filter(applied_at=None).order_by("id").values_list("id", flat=True)
    return sum(apply(merge_id=pk) for pk in waiting[:BATCH])


@retried
@transaction.atomic
def apply(*, merge_id: int) -> bool:
    """Draws the consequences of one merge; False when that was done, or the merge undone, in the meantime.

    In a campaign that both are in, the survivor's way ends when either was written to or taken out. In one that only
    the tombstone was in, the survivor counts as having been there. Whoever must not be written to leaves everywhere,
    and an answer of the tombstone ends what ran for the survivor when it came. Rows are locked as every stop does.
    """
    merge = Merge.objects.select_for_update().filter(pk=merge_id, applied_at=None).first()
    if merge is None:
        return False
    both = (merge.survivor_id, merge.merged_id)
    stopping.lock_open_of(prospect_ids=both)
    theirs = {
        row.campaign_id: row for row in Enrollment.objects.filter(prospect=merge.merged_id, campaign__rehearsal_of=None)
    }
    _stand_in(merge, list(theirs.values()))  # first: it waits for whoever is enrolling the survivor there just now
    stopping.end_enrollments(enrollment_ids=_to_end(merge, theirs), reason=REASON)
    stopping.end_enrollments(enrollment_ids=[row.pk for row in theirs.values()], reason=REASON)
    active = Enrollment.objects.filter(prospect=merge.survivor_id, state=Enrollment.State.ACTIVE)
    if reason := _no(merge.survivor_id):
        stopping.end_enrollments(enrollment_ids=list(active.values_list("id", flat=True)), reason=reason)
    if answered_at := _answered_at(merge):
        before = active.filter(created_at__lt=answered_at)
        stopping.end_enrollments(enrollment_ids=list(before.values_list("id", flat=True)), reason="replied")
    fault("in_merge")
    Merge.objects.filter(pk=merge.pk).update(applied_at=DatabaseClock())
    return True


def _to_end(merge: Merge, theirs: dict[int, Enrollment]) -> list[int]:
    """The survivor's enrollments in campaigns that both are in, and where either was written to or taken out."""
    mine = list(Enrollment.objects.filter(prospect=merge.survivor_id, campaign__in=theirs))
    ids = [row.pk for row in (*mine, *theirs.values())]
    begun = Message.objects.filter(enrollment__in=ids, state__in=CONTACTED)
    contacted = set(begun.values_list("campaign_id", flat=True))
    return [
        row.pk
        for row in mine
        if row.campaign_id in contacted
        or row.steps_handed_over
        or theirs[row.campaign_id].steps_handed_over
        or theirs[row.campaign_id].state != Enrollment.State.ACTIVE
    ]


def _no(survivor_id: int) -> str:
    """Why this person must not be written to at all; "" when they may."""
    person = Prospect.objects.select_related("site").get(pk=survivor_id)
    if person.stopped_at or (person.site and person.site.stopped_at):
        return "person_stopped"
    return "suppressed" if suppression.is_suppressed(person.contact_keys) else ""


def _answered_at(merge: Merge) -> datetime | None:
    """When the tombstone, or a row that was merged into it, was last heard, in database time as enrollments are."""
    rows = set(stopping.rows_of(Prospect.objects.get(pk=merge.merged_id))) - {merge.survivor_id}
    times = Reply.objects.filter(prospect__in=rows).order_by("-created_at").values_list("created_at", flat=True)
    return times.first()


def _stand_in(merge: Merge, theirs: list[Enrollment]) -> None:
    ids = [row.pk for row in theirs]
    with connection.cursor() as cursor:
        cursor.execute(_STAND_IN, [merge.survivor_id, [str(new_public_id()) for _ in ids], ids])


def waiting_of(*, prospect: Prospect) -> bool:
    """Whether a merge of this person is still to be applied, so that nothing is sent to them."""
    unapplied = Merge.objects.filter(applied_at=None)
    return unapplied.filter(Q(survivor=prospect) | Q(merged=prospect)).exists()
