"""What is in the way of sending, whom it holds, and what clears it: the facts of the gate in people's words."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from campaigns import ahead, situation
from campaigns.ahead import Ahead
from campaigns.analytics import Reached
from campaigns.deciding import CONTACTED_LATELY
from campaigns.models import Campaign, Enrollment, Message
from campaigns.situation import Situation
from integrations import outages
from integrations.models import Mailbox
from outreach.lib.words import people
from prospects.models import Merge

MOST_COUNTED = 1_000  # people on hold are counted this far
ENOUGH_TO_JUDGE = 20  # people written to
BOUNCES, COMPLAINTS = 0.05, 0.003  # shares of the people written to above which a campaign is in danger


@dataclass(frozen=True)
class Obstacle:
    """Why so many people are held; `route` (with `id`) is the page that clears it, `cure` the words of the link."""

    people: int
    why: str
    cure: str = ""
    route: str = ""
    id: uuid.UUID | None = None
    query: str = ""
    takes_manager: bool = False


@dataclass(frozen=True)
class Health:
    """How a campaign does, in a few words; `tone` is good, warn, bad or nothing.

    `ahead` says it with its time and people, `at` when the next mail leaves on another day than today.
    """

    words: str
    tone: str = ""
    ahead: Ahead | None = None
    at: datetime | None = None


def holding(seen: Situation, *, campaign: Campaign | None = None) -> list[Obstacle]:
    """Everything that holds people of open campaigns (or of one), the widest first. Seven queries."""
    campaigns = [each for each in seen.campaigns if campaign is None or each.pk == campaign.pk]
    running = [each for each in campaigns if each.state == Campaign.State.RUNNING]
    found = [
        *_switch(seen, running),
        *(_paused(each) for each in campaigns if each.state == Campaign.State.PAUSED),
        *_mailboxes(seen, running),
        *_unread(seen, running),
        *_people(running),
    ]
    return [obstacle for obstacle in found if obstacle.people]


def _active(campaigns: Sequence[Campaign]) -> int:
    return sum(situation.standing(each).active for each in campaigns)


def _begun(campaigns: Sequence[Campaign]) -> int:
    return sum(situation.standing(each).active - situation.standing(each).not_begun for each in campaigns)


def _switch(seen: Situation, running: Sequence[Campaign]) -> list[Obstacle]:
    if seen.control.stopped_at:
        why, cure = "All sending is stopped", "Resume sending"
        return [Obstacle(_active(running), why, cure, "sending-resume", takes_manager=True)]
    if seen.control.held_at:
        return [Obstacle(_active(running), "All sending is held", "Look at it", "sending-settle", takes_manager=True)]
    return []


def _paused(campaign: Campaign) -> Obstacle:
    reason = f": {campaign.state_reason}" if campaign.state_reason else ""
    people = situation.standing(campaign).active
    return Obstacle(people, f"{campaign.name} is paused{reason}", "Open campaign", "campaign", campaign.public_id)


def _mailboxes(seen: Situation, running: Sequence[Campaign]) -> list[Obstacle]:
    found = []
    pairs = [(box, each) for each in running for box in seen.senders(each)]
    for mailbox in {box.pk: box for box, _ in pairs}.values():
        mine = [each for box, each in pairs if box.pk == mailbox.pk]
        where = ("Open mailbox", "mailbox", mailbox.public_id)
        if mailbox.status != Mailbox.Status.ACTIVE:
            why, begun = f"The mailbox {mailbox.name} is {_state(mailbox)}", False
        elif outages.is_lasting(mailbox=mailbox):
            why, begun = f"The mails of {mailbox.name} are not taken: {mailbox.send_error}", False
        elif mailbox.pk in seen.blind:
            why, begun = f"{mailbox.name} was not read for half an hour: an answer may be waiting", True
        else:
            continue
        found.append(Obstacle(_of_mailbox(mailbox, mine, seen, begun=begun), why, *where))
    return found


def _of_mailbox(mailbox: Mailbox, campaigns: Sequence[Campaign], seen: Situation, *, begun: bool) -> int:
    """Whom of these campaigns it writes to: all of one that has no other mailbox, else they are counted."""
    alone = [each for each in campaigns if len(seen.senders(each)) == 1]
    shared = [each.pk for each in campaigns if each not in alone]
    people = Enrollment.objects.filter(mailbox=mailbox, campaign__in=shared, state=Enrollment.State.ACTIVE)
    counted = _few(people.filter(steps_handed_over__gt=0) if begun else people) if shared else 0
    return counted + (_begun(alone) if begun else _active(alone))


def _state(mailbox: Mailbox) -> str:
    reason = f": {mailbox.status_reason}" if mailbox.status_reason else ""
    return f"{mailbox.get_status_display().lower()}{reason}"


def _unread(seen: Situation, running: Sequence[Campaign]) -> list[Obstacle]:
    if not seen.answers_waiting:
        return []
    return [Obstacle(_begun(running), "Mail that came in is not sorted yet: an answer may be among it")]


def _people(running: Sequence[Campaign]) -> list[Obstacle]:
    ids = [each.pk for each in running]
    active = Enrollment.objects.filter(campaign__in=ids, state=Enrollment.State.ACTIVE)
    unsure = Message.objects.filter(state=Message.State.UNCERTAIN, campaign__in=ids)
    return [
        Obstacle(
            _few(active.filter(prospect__held_at__isnull=False)),
            "The person is on hold",
            "See who",
            "prospects",
            query="?state=held",
        ),
        Obstacle(_few(active.filter(prospect__site__held_at__isnull=False)), "The site is on hold"),
        *_cared_for(active),
        Obstacle(_few(unsure), "We are not sure whether their mail was sent", "Settle them", "messages-uncertain"),
    ]


def _cared_for(active: QuerySet[Enrollment]) -> list[Obstacle]:
    lately = active.filter(steps_handed_over=0, prospect__contacted_elsewhere_at__gt=Now() - CONTACTED_LATELY)
    merges = Merge.objects.filter(applied_at=None)
    two = active.filter(prospect__in=merges.values("survivor").union(merges.values("merged"), all=True))
    return [
        Obstacle(
            _few(active.filter(prospect__protected_at__isnull=False)),
            "The person is protected; whoever looks after them, or a manager, can lift that",
            "See who",
            "prospects",
            query="?state=protected",
        ),
        Obstacle(
            _few(active.filter(prospect__site__protected_at__isnull=False)),
            "The site is protected; a manager can lift that",
        ),
        Obstacle(_few(lately), "Written to by other means less than two weeks ago: the first mail waits for that long"),
        Obstacle(_few(two), "Two rows of one person are being merged, which takes a moment"),
    ]


def _few(rows: QuerySet[Enrollment] | QuerySet[Message]) -> int:
    return rows[:MOST_COUNTED].count()


def health(
    *,
    campaign: Campaign,
    reached: Reached,
    next_at: datetime | None,
    seen: Situation,
    now: datetime,
    coming: Ahead | None = None,
) -> Health:
    """How this campaign does; what stops it comes before what endangers it. `next_at` is when its first planned mail
    leaves, `coming` what is ahead of it when none is planned. No query.
    """
    if campaign.state == Campaign.State.PAUSED:
        return Health(campaign.state_reason[:1].upper() + campaign.state_reason[1:] or "Paused", "warn")
    if campaign.state != Campaign.State.RUNNING:
        return Health("")
    return _stopped(campaign, seen) or endangered(reached) or _going(campaign, next_at, coming, now)


def _stopped(campaign: Campaign, seen: Situation) -> Health | None:
    if seen.control.stopped_at:
        return Health("All sending is stopped", "bad")
    if seen.control.held_at:
        return Health("All sending is held", "bad")
    boxes = seen.senders(campaign)
    broken = [words for words in (_broken(each, seen) for each in boxes) if words]
    if len(broken) < len(boxes):
        several = f"{len(broken)} of its {len(boxes)} mailboxes can’t send"
        return Health(several, "warn") if broken else None
    return Health(broken[0], "bad")


def _broken(mailbox: Mailbox, seen: Situation) -> str:
    if mailbox.status != Mailbox.Status.ACTIVE:
        return f"Mailbox {_state(mailbox)}"
    if outages.is_lasting(mailbox=mailbox):
        return "Its mails are not taken by the mail server"
    return "Its mailbox is not being read" if mailbox.pk in seen.blind else ""


def endangered(reached: Reached) -> Health | None:
    """What came back of the people written to, when it is too much; None below twenty people."""
    if reached.written < ENOUGH_TO_JUDGE:
        return None
    if reached.numbers.complained > COMPLAINTS * reached.written:
        return Health("Complaints above 0.3 %", "bad")
    return Health("Bounces above 5 %", "warn") if reached.numbers.bounced > BOUNCES * reached.written else None


def _going(campaign: Campaign, next_at: datetime | None, coming: Ahead | None, now: datetime) -> Health:
    if next_at is not None:
        today = timezone.localtime(now).date()
        is_today = timezone.localtime(next_at).date() <= today
        return Health("Going out", "good") if is_today else Health("Nothing more today", at=next_at)
    if coming and coming.at:
        return Health(f"Step {coming.step} to {people(coming.people)} comes next", ahead=coming)
    if ahead.is_fresh(campaign, now=now):
        return Health("Planning the first mails…")
    count = situation.standing(campaign)
    if count.enrolled and not count.active:
        return Health("Everybody finished or stopped")
    return Health("Waiting for room" if count.enrolled else "Nobody is in it yet")
