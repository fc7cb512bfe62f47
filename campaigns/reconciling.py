"""Messages we are not sure about: settled by evidence or by a person, never by sending again."""

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q

from accounts.models import User
from campaigns import advancing, stopping
from campaigns.calendars import place_of
from campaigns.models import Message, SendingControl
from integrations import copies

GIVE_UP_AFTER = timedelta(days=5)
SEARCHED_AT_ONCE = 500  # messages of one mailbox, the latest first
UNDER_WAY = (Message.State.UNCERTAIN, Message.State.PLANNED)
# Evidence of the first hand-over also counts when a person had said that there was none, and sends it again.
UNSURE = Q(state__in=(Message.State.UNCERTAIN, Message.State.ABANDONED)) | Q(
    state__in=(Message.State.PLANNED, Message.State.CANCELLED), why__has_key="again"
)


@transaction.atomic
def proven_sent(*, message: Message) -> bool:
    """Somebody answered or reported this message, so it was sent: evidence beats opinion, even an old one."""
    was_under_way = message.state in UNDER_WAY
    if not Message.objects.filter(UNSURE, pk=message.pk).update(state=Message.State.SENT):
        return False
    if was_under_way and message.handed_over_at:
        place = place_of(message.prospect, message.campaign)
        way = advancing.onward(advancing.next_of(message_id=message.pk), place=place, at=message.handed_over_at)
        advancing.move_on([(message.enrollment_id, way)], handed_over=True)
    message.refresh_from_db(fields=["state"])
    return True


def mailboxes_to_search() -> list[int]:
    """Mailboxes with uncertain messages whose Sent folder it is time to look into."""
    unsure = Message.objects.filter(state=Message.State.UNCERTAIN)
    return copies.due(mailbox_ids=list(unsure.order_by("mailbox").values_list("mailbox", flat=True).distinct()))


def search_copies(*, mailbox_id: int, now: datetime) -> int:
    """Looks for this mailbox's uncertain messages in its Sent folder, and returns how many were found there.

    Those were sent, and their enrollments go on. The others stay as they are: not every server keeps a copy.
    """
    unsure = Message.objects.filter(mailbox=mailbox_id, state=Message.State.UNCERTAIN)
    related = unsure.select_related("prospect", "campaign", "enrollment", "step")
    by_id = {each.message_id: each for each in related.order_by("-handed_over_at", "-id")[:SEARCHED_AT_ONCE]}
    found = copies.find(mailbox_id=mailbox_id, message_ids=list(by_id), now=now)
    return sum(_lies_in_sent(message) for message in by_id.values() if message.message_id in found)


@transaction.atomic
def _lies_in_sent(message: Message) -> bool:
    stopping.lock_open(prospect=message.prospect)
    if not proven_sent(message=message):
        return False
    why = {**message.why, "settled_by": "the Sent folder", "note": "A copy of it lies there."}
    Message.objects.filter(pk=message.pk).update(why=why)
    return True


@transaction.atomic
def decide(*, message: Message, sent: bool, note: str, by: User | None) -> bool:
    """A named person says whether an uncertain message was sent. False when it is not uncertain any more."""
    why = {**message.why, "settled_by": str(by), "note": note[:300]}
    Message.objects.filter(pk=message.pk, state=Message.State.UNCERTAIN).update(why=why)
    return proven_sent(message=message) if sent else bool(_abandon([message.pk]))


def abandon_old(*, now: datetime) -> int:
    """Gives up on what nobody could settle in five days: the enrollment stops. Returns how many.

    What was doubted after a restore has five days from a person's word on.
    """
    old = Message.objects.filter(state=Message.State.UNCERTAIN, handed_over_at__lt=now - GIVE_UP_AFTER)
    if SendingControl.objects.filter(gap_until__gt=now - GIVE_UP_AFTER).exists():
        old = old.exclude(why__has_key="doubted")
    return _abandon(list(old.order_by("id").values_list("id", flat=True)[:1000]))


@transaction.atomic
def _abandon(ids: list[int]) -> int:
    unsure = Message.objects.filter(pk__in=ids, state=Message.State.UNCERTAIN).order_by("id").select_for_update()
    enrollments = list(unsure.values_list("enrollment_id", flat=True))
    done = Message.objects.filter(pk__in=ids, state=Message.State.UNCERTAIN).update(state=Message.State.ABANDONED)
    stopping.end_enrollments(enrollment_ids=enrollments, reason="uncertain")
    return done
