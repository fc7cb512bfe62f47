"""How things stand right now: the switch, the machinery, the mailboxes and the open campaigns, in four queries."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import DurationField, ExpressionWrapper, F, OuterRef, Q

from campaigns.models import Campaign, CampaignCount, CampaignMailbox, SendingControl
from integrations.models import InboundEvent, Mailbox
from outreach.lib.models import DatabaseClock

SILENT_AFTER = timedelta(seconds=60)
BLIND_AFTER = timedelta(minutes=30)  # as the gate has it
ANSWERS_WAIT_AFTER = timedelta(minutes=2)  # as the gate has it
MOST_WAITING = 100


@dataclass(frozen=True)
class Situation:
    """Facts, no opinions. `blind` holds the keys of active mailboxes that were not read for half an hour."""

    control: SendingControl
    silent: bool
    campaigns: tuple[Campaign, ...]
    mailboxes: tuple[Mailbox, ...]
    blind: frozenset[int]
    answers_waiting: int
    further: dict[int, list[int]]  # by campaign, its mailboxes but for the first
    unread: tuple[Mailbox, ...]  # retired ones whose answers can't be read

    def senders(self, campaign: Campaign) -> list[Mailbox]:
        """Its mailboxes that are not retired, the first one first; a retired one only when it is the last."""
        theirs = (campaign.mailbox_id, *self.further.get(campaign.pk, ()))
        found = [each for each in self.mailboxes if each.pk in theirs]
        return sorted(found, key=lambda each: each.pk != campaign.mailbox_id) or [campaign.mailbox]

    def active(self, campaign: Campaign) -> list[Mailbox]:
        """Its mailboxes that something can leave from."""
        return [each for each in self.senders(campaign) if each.status == Mailbox.Status.ACTIVE]

    @property
    def running(self) -> list[Campaign]:
        """The running campaigns."""
        return [campaign for campaign in self.campaigns if campaign.state == Campaign.State.RUNNING]


def look() -> Situation:
    """Running and paused campaigns with mailbox and count (no rehearsals), and all mailboxes that are not retired."""
    silent_for = ExpressionWrapper(DatabaseClock() - F("ticked_at"), output_field=DurationField())
    control = SendingControl.objects.select_related("stopped_by").annotate(silent_for=silent_for).filter(pk=1).first()
    unread = Q(status=Mailbox.Status.RETIRED) & ~Q(imap_host="") & ~Q(poll_error="")
    mailboxes = Mailbox.objects.filter(~Q(status=Mailbox.Status.RETIRED) | unread).order_by("name", "id")
    seen = Q(polled_at__gt=DatabaseClock() - BLIND_AFTER)
    found = list(mailboxes.annotate(is_blind=~seen | Q(polled_at=None)))
    rows = [box for box in found if box.status != Mailbox.Status.RETIRED]
    campaigns = _open_campaigns()
    return Situation(
        control=control or SendingControl(pk=1),
        silent=control is None or control.silent_for is None or control.silent_for > SILENT_AFTER,
        campaigns=tuple(campaigns),
        mailboxes=tuple(rows),
        blind=frozenset(box.pk for box in rows if box.is_blind and box.status == Mailbox.Status.ACTIVE),
        answers_waiting=_waiting(),
        unread=tuple(box for box in found if box.status == Mailbox.Status.RETIRED),
        further={each.pk: each.boxes for each in campaigns},
    )


def standing(campaign: Campaign) -> CampaignCount:
    """Where its people stood when last counted; all zero for one that was never counted."""
    try:
        return campaign.count
    except CampaignCount.DoesNotExist:
        return CampaignCount(campaign=campaign)


def _open_campaigns() -> list[Any]:
    """With the keys of their further mailboxes as `boxes`."""
    states = (Campaign.State.RUNNING, Campaign.State.PAUSED)
    campaigns = Campaign.objects.filter(rehearsal_of=None, state__in=states)
    further = CampaignMailbox.objects.filter(campaign=OuterRef("pk")).order_by("mailbox").values("mailbox")
    return list(campaigns.select_related("mailbox", "count").annotate(boxes=ArraySubquery(further)).order_by("name"))


def _waiting() -> int:
    late = InboundEvent.objects.filter(applied_at=None, stored_at__lt=DatabaseClock() - ANSWERS_WAIT_AFTER)
    return late[:MOST_WAITING].count()
