"""Taking a mailbox out of service for good: its people move to other mailboxes of their campaigns, in a new thread.

What is planned for them moves in place and keeps its Message-ID; what is being handed over, and what is uncertain,
stays where it began. Answers to what the mailbox sent are still read, and a follow-up waits until they were.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from time import monotonic

import structlog
from django.db import connection, transaction
from django.db.models import Count, Q

from accounts.models import User
from campaigns import agenda, errands, planning, rehearsing, releasing, senders, situation
from campaigns.forecast import foretelling
from campaigns.models import Campaign, CampaignMailbox, Enrollment, Message
from integrations.models import Mailbox
from outreach.lib.errors import DomainError, Problem
from outreach.lib.retrying import retried

log = structlog.get_logger(__name__)

PIECE = 2_000  # people
OPEN = (Campaign.State.DRAFT, Campaign.State.RUNNING, Campaign.State.PAUSED)


class NobodyTakesOver(DomainError):
    """Somebody is under way with the mailbox in a campaign that has no other active one, and none was named."""

    status = 409


@dataclass(frozen=True)
class Part:
    """So many people of one campaign, and the mailboxes that they move to; none: somebody has to be named."""

    campaign: Campaign
    people: int
    to: tuple[Mailbox, ...]


@dataclass(frozen=True)
class Outlook:
    """What retiring, or pausing, a mailbox means. The days are rough; None where none can be told."""

    parts: tuple[Part, ...]
    done_about: date | None  # as it is
    done_then: date | None  # when it is retired

    @property
    def people(self) -> int:
        """Who is under way with it."""
        return sum(part.people for part in self.parts)

    @property
    def left(self) -> list[Campaign]:
        """The campaigns whose people nobody takes over."""
        return [part.campaign for part in self.parts if part.people and not part.to]


def outlook(*, mailbox: Mailbox, now: datetime, successor: Mailbox | None = None) -> Outlook:
    """Who would move where, and until when the rest lasts before and after it."""
    seen = situation.look()
    parts = tuple(_parts(mailbox, successor))
    concerned = [part.campaign.pk for part in parts]
    moved = {
        part.campaign.pk: [box for box in seen.senders(part.campaign) if box.pk != mailbox.pk] or list(part.to)
        for part in parts
        if part.to
    }
    done_about = foretelling.done_about(seen=seen, now=now, only=concerned)
    as_it_is = agenda.roughly_done(seen=seen, now=now, only=list(moved))
    without = agenda.roughly_done(seen=seen, now=now, only=list(moved), instead=moved)
    if done_about is None or as_it_is is None or without is None:
        return Outlook(parts, done_about, None)
    return Outlook(parts, done_about, done_about + (without - as_it_is))


def _parts(mailbox: Mailbox, successor: Mailbox | None) -> Iterable[Part]:
    """Every open campaign that uses the mailbox, those with people under way by it, and who takes over there."""
    counted = Enrollment.objects.filter(mailbox=mailbox, state=Enrollment.State.ACTIVE).order_by().values("campaign")
    people = dict(counted.annotate(n=Count("pk")).values_list("campaign", "n"))
    further = CampaignMailbox.objects.filter(mailbox=mailbox).values("campaign")
    uses = Q(mailbox=mailbox) | Q(pk__in=further) | Q(pk__in=people)
    campaigns = Campaign.objects.filter(uses, rehearsal_of=None, state__in=OPEN).select_related("mailbox", "count")
    for campaign in campaigns.order_by("name"):
        others = [each for each in senders.of(campaign) if each.pk != mailbox.pk]
        active = tuple(each for each in others if each.status == Mailbox.Status.ACTIVE)
        yield Part(campaign, people.get(campaign.pk, 0), active or ((successor,) if successor else ()))


def successors(*, mailbox: Mailbox) -> list[Mailbox]:
    """Which mailboxes can take over from it; without secrets. One query."""
    others = Mailbox.objects.filter(status=Mailbox.Status.ACTIVE, is_demo=mailbox.is_demo).exclude(pk=mailbox.pk)
    return list(others.defer(*senders.SECRETS).order_by("name", "id"))


@retried
def retire(
    *,
    mailbox: Mailbox,
    now: datetime,
    by: User | None,
    successor: Mailbox | None = None,
    seconds: float = errands.HURRY,
) -> int:
    """Nothing new is sent from it, from this commit on. Returns how many of its people have moved within `seconds`; a
    tick goes on with the rest.

    They move to the active mailboxes of their campaign; a campaign that has no other one gets the `successor`. Drafts
    lose it too. Rehearsals from it end. Raises NobodyTakesOver, and DomainError when it is retired already.
    """
    with planning.alone():
        rows = Mailbox.objects.select_for_update().filter(pk=mailbox.pk).exclude(status=Mailbox.Status.RETIRED)
        if rows.first() is None:
            raise NobodyTakesOver(f"{mailbox.from_address} is retired already.")
        if successor is not None and successor not in successors(mailbox=mailbox):
            words = f"{successor.from_address} can't take over: choose another active mailbox."
            raise NobodyTakesOver("", [Problem("successor", words)])
        parts = list(_parts(mailbox, successor))
        if left := [part.campaign.name for part in parts if part.people and not part.to]:
            words = f"Nobody takes over the people of {', '.join(left)}: choose a mailbox that does."
            raise NobodyTakesOver("", [Problem("successor", words)])
        for part in parts:
            _hand_on(part, mailbox)
        for rehearsal in Campaign.objects.filter(rehearsal_of__isnull=False, mailbox=mailbox):
            rehearsing.end(rehearsal=rehearsal)
        rows.update(status=Mailbox.Status.RETIRED, status_reason=f"retired by {by}" if by else "retired")
    log.info("mailbox_retired", mailbox_id=mailbox.pk, by=by.pk if by else None)
    mailbox.refresh_from_db()
    return go_on(now=now, seconds=seconds)


def _hand_on(part: Part, mailbox: Mailbox) -> None:
    """The campaign has the others of its mailboxes, the first active one first."""
    if not part.to:  # a draft, or one that waits for nobody: its check says that it has no mailbox
        return
    CampaignMailbox.objects.filter(campaign=part.campaign, mailbox=mailbox).delete()
    if part.campaign.mailbox_id == mailbox.pk:
        first = part.to[0]
        CampaignMailbox.objects.filter(campaign=part.campaign, mailbox=first).delete()
        Campaign.objects.filter(pk=part.campaign.pk).update(mailbox=first)


def go_on(*, now: datetime, seconds: float = errands.SLICE) -> int:
    """Moves who is still with a retired mailbox, in pieces for these seconds; whoever comes to it later, too: a message
    that was being handed over when it was retired and has to be tried again, say. Returns how many people moved.
    """
    moved, until = 0, monotonic() + seconds
    while count := _piece(now=now):
        moved += count
        if monotonic() >= until:
            break
    return moved


# Those who wait, and those for whom something is planned; only where the campaign has another mailbox.
_STRANDED = """
WITH moves AS (
    SELECT b.id AS mailbox_id, c.id AS campaign_id
      FROM integrations_mailbox b CROSS JOIN campaigns_campaign c
     WHERE b.status = 'retired' AND c.state IN ('running', 'paused') AND EXISTS (
           SELECT 1 FROM integrations_mailbox n
            WHERE n.status <> 'retired' AND (n.id = c.mailbox_id OR n.id IN (
                  SELECT f.mailbox_id FROM campaigns_campaignmailbox f WHERE f.campaign_id = c.id))))
SELECT DISTINCT found.campaign_id, found.id FROM (
    SELECT moves.campaign_id, w.id FROM moves CROSS JOIN LATERAL (
        (SELECT e.id FROM campaigns_enrollment e
          WHERE e.mailbox_id = moves.mailbox_id AND e.campaign_id = moves.campaign_id
            AND e.look_at IS NOT NULL AND e.steps_handed_over > 0 LIMIT %(most)s)
        UNION ALL
        (SELECT e.id FROM campaigns_enrollment e
          WHERE e.mailbox_id = moves.mailbox_id AND e.campaign_id = moves.campaign_id
            AND e.look_at IS NOT NULL AND e.steps_handed_over = 0 LIMIT %(most)s)) w
    UNION ALL
    SELECT m.campaign_id, m.enrollment_id FROM campaigns_message m
      JOIN moves ON moves.mailbox_id = m.mailbox_id AND moves.campaign_id = m.campaign_id
     WHERE m.state = 'planned') found
 ORDER BY 2 LIMIT %(most)s
"""
_MOVE_PEOPLE = f"""
UPDATE campaigns_enrollment e SET mailbox_id = {senders.CHOSEN.format(person="e.prospect_id")}
  FROM integrations_mailbox o
 WHERE e.id = ANY(%(ids)s) AND o.id = e.mailbox_id AND o.status = 'retired'
"""  # noqa: S608
_MOVE_MESSAGES = """
UPDATE campaigns_message m SET mailbox_id = e.mailbox_id FROM campaigns_enrollment e
 WHERE m.id = ANY(%s) AND m.state = 'planned' AND e.id = m.enrollment_id AND e.mailbox_id <> m.mailbox_id
RETURNING m.id, m.awaits = '' AND m.overdue_at IS NULL
"""


@retried
@transaction.atomic
def _piece(*, now: datetime) -> int:
    """One piece, with no planner at work beside it. Messages are locked before enrollments, each by id, as stops do."""
    with planning.alone(), connection.cursor() as cursor:
        cursor.execute(_STRANDED, {"most": PIECE})
        by_campaign: dict[int, list[int]] = {}
        for campaign_id, pk in cursor.fetchall():
            by_campaign.setdefault(campaign_id, []).append(pk)
        ids = sorted(pk for each in by_campaign.values() for pk in each)
        planned = Message.objects.filter(enrollment__in=ids, state=Message.State.PLANNED).order_by("id")
        messages = list(planned.select_for_update().values_list("id", flat=True))
        list(Enrollment.objects.filter(pk__in=ids).order_by("id").select_for_update().values_list("id"))
        for campaign in Campaign.objects.filter(pk__in=by_campaign).select_related("mailbox"):
            boxes = senders.weights(senders.taking(senders.of(campaign)), now=now)
            cursor.execute(_MOVE_PEOPLE, {**boxes, "ids": by_campaign[campaign.pk]})
        cursor.execute(_MOVE_MESSAGES, [messages])
        releasing.move([pk for pk, has_slot in cursor.fetchall() if has_slot], now)
        return len(ids)
