"""The operator's day: what needs a person, which answers wait, what goes out and when it will be done."""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from types import MappingProxyType

from django.db import connection
from django.db.models import Case, Count, IntegerField, Value, When

from campaigns import analytics, answers, scheduling, situation
from campaigns.calendars import Place, Somebody, place_of
from campaigns.models import Campaign, Message, Reply, Step
from campaigns.situation import Situation
from integrations.models import Mailbox

DAY = timedelta(days=1)
WEEK = 7
SLOTS = 10
ANSWERS = 8
NEWEST = 500  # unread answers that are put in order; the inbox has them all
FORESEEABLE = 365  # days
Boxes = Mapping[int, Sequence[Mailbox]]  # by campaign


@dataclass(frozen=True)
class DueToday:
    """One campaign's mails of this UTC day: `sent` so far, `left` planned before midnight."""

    campaign: Campaign
    sent: int
    left: int

    @property
    def all(self) -> int:
        """Sent and left."""
        return self.sent + self.left


def upcoming(*, seen: Situation, campaign: Campaign | None = None) -> list[Message]:
    """The next ten messages that will leave if nothing changes, soonest first: of running campaigns and active
    mailboxes, with person, campaign and step; none while all sending is stopped. Two queries.
    """
    ids = [each.pk for each in _moving(seen) if campaign is None or each.pk == campaign.pk]
    resting = [each.pk for each in seen.mailboxes if each.status != Mailbox.Status.ACTIVE]
    with connection.cursor() as cursor:
        cursor.execute(_NEXT, [ids, resting, SLOTS, SLOTS])
        found = [row[0] for row in cursor.fetchall()]
    messages = Message.objects.filter(pk__in=found).select_related("prospect", "campaign", "step")
    return list(messages.defer("text", "html", "subject", "why").order_by("send_at", "id"))


def _moving(seen: Situation) -> list[Campaign]:
    """The campaigns that something can leave of now."""
    if seen.control.stopped_at:
        return []
    return [each for each in seen.running if seen.active(each)]


_NEXT = """
SELECT s.id FROM unnest(%s::bigint[]) AS c(id)
 CROSS JOIN LATERAL (SELECT m.id, m.send_at FROM campaigns_message m
                      WHERE m.campaign_id = c.id AND m.state = 'planned' AND m.overdue_at IS NULL
                        AND m.send_at IS NOT NULL AND m.mailbox_id <> ALL(%s)
                      ORDER BY m.send_at LIMIT %s) s
 ORDER BY s.send_at, s.id LIMIT %s
"""


def due_today(*, seen: Situation, now: datetime) -> list[DueToday]:
    """What each open campaign sends this UTC day, the busiest first; what can't leave now is not left. Two queries."""
    today = now.astimezone(UTC).date()
    ids = [each.pk for each in seen.campaigns]
    sent = analytics.of_campaigns(ids, day=today)
    moving = [each.pk for each in _moving(seen)]
    resting = [each.pk for each in seen.mailboxes if each.status != Mailbox.Status.ACTIVE]
    before = Message.objects.exclude(mailbox__in=resting).filter(
        campaign__in=moving, state=Message.State.PLANNED, overdue_at=None, send_at__lt=_midnight(today + DAY)
    )
    left = dict(before.values_list("campaign").annotate(n=Count("id")))
    rows = [
        DueToday(each, sent[each.pk].sent if each.pk in sent else 0, left.get(each.pk, 0)) for each in seen.campaigns
    ]
    return sorted((row for row in rows if row.all), key=lambda row: -row.all)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(0), UTC)


def waiting_answers(*, limit: int = ANSWERS) -> list[Reply]:
    """Unread answers, those who said yes and those who ask first, then who has waited longest. One query."""
    newest = Reply.objects.filter(read_at=None).order_by("-id").values("pk")[:NEWEST]
    whens = [When(reply_class=name, then=Value(place)) for place, name in enumerate(answers.FIRST)]
    place = Case(*whens, default=Value(len(whens)), output_field=IntegerField())
    rows = answers.waiting().filter(pk__in=newest).order_by(place, "received_at", "id")
    return list(rows.defer("message__text", "message__html", "message__why")[:limit])


def latest_replies(*, campaign: Campaign, limit: int = 5) -> list[Reply]:
    """The newest answers to a campaign, with the person. One query."""
    rows = Reply.objects.filter(message__campaign=campaign).order_by(
        "-id"
    )  # by arrival: along the key, until enough are found
    return list(rows.select_related("prospect")[:limit])


def roughly_done(
    *, seen: Situation, now: datetime, only: Collection[int] | None = None, instead: Boxes = MappingProxyType({})
) -> date | None:
    """The rough day on which everybody now in a running campaign (of these) will be through at the mailboxes' caps, or
    would be with other mailboxes `instead`: to compare two of them. When a campaign ends, its forecast says.

    Never before the last of those who wait now, or whose mail is planned, got the steps they still lack. None when
    nobody is under way, when something stops sending, or when it is more than a year away. Two queries.
    """
    running = [each for each in seen.running if only is None or each.pk in only]
    steps = _steps(running)
    boxes = {each.pk: instead.get(each.pk) or seen.senders(each) for each in running}
    moving = [
        each for each in running if situation.standing(each).active and any(box.daily_cap for box in boxes[each.pk])
    ]
    last = _last_known(moving, steps, seen)
    if seen.control.is_off or any(box.status != Mailbox.Status.ACTIVE for each in moving for box in boxes[each.pk]):
        return None
    lasts = [_days_of_group(group, boxes, steps, now) for group in _groups(moving, boxes)]
    if not lasts or max(lasts) > FORESEEABLE:
        return None
    today = now.astimezone(UTC).date()
    end = max(today + max(lasts) * DAY, last or today)
    return end if end <= today + FORESEEABLE * DAY else None


# The last that waits and the last that is planned, each along an index from its end.
_LAST = """
SELECT l.campaign_id, l.step_key, l.at FROM unnest(%s::bigint[], %s::bigint[]) AS c(id, box)
 CROSS JOIN LATERAL (
       (SELECT e.campaign_id, e.next_step_key AS step_key, e.due_at AS at FROM campaigns_enrollment e
         WHERE e.mailbox_id = c.box AND e.campaign_id = c.id AND e.look_at IS NOT NULL AND e.steps_handed_over > 0
         ORDER BY e.look_at DESC, e.id DESC LIMIT 1)
       UNION ALL
       (SELECT m.campaign_id, m.step_key, m.send_at FROM campaigns_message m
         WHERE m.campaign_id = c.id AND m.state = 'planned' AND m.send_at IS NOT NULL
         ORDER BY m.send_at DESC LIMIT 1)) l
"""


def _last_known(campaigns: Sequence[Campaign], steps: dict[int, list[Step]], seen: Situation) -> date | None:
    """The latest day that the last who wait and the last who are planned lead to, their later steps included."""
    pairs = [(each.pk, box.pk) for each in campaigns for box in seen.senders(each)]
    with connection.cursor() as cursor:
        cursor.execute(_LAST, [[pk for pk, _ in pairs], [box for _, box in pairs]])
        rows = cursor.fetchall()
    ends, places = [], {each.pk: _place(each) for each in campaigns}
    for pk, key, at in rows:
        place = next((step.position for step in steps.get(pk, []) if step.key == key), 0)
        later = [step for step in steps.get(pk, []) if place and step.position > place]
        ends.append(_through(later, at, places[pk]).astimezone(UTC).date())
    return max(ends, default=None)


def _place(campaign: Campaign) -> Place:
    """That of people of whom nothing is known."""
    return place_of(Somebody(), campaign)


def _through(steps: Sequence[Step], at: datetime, place: Place) -> datetime:
    """When the last of these steps leaves, each after the one before (`at`), as the planner has it: step 1 at once."""
    for step in steps:
        window = scheduling.window_of(step, place)
        due = (
            at
            if step.position == 1
            else scheduling.due_after(handed_over_at=at, delay=step.delay, unit=step.delay_unit, place=place)
        )
        at = scheduling.opens_after(window, due)
    return at


def _steps(campaigns: Sequence[Campaign]) -> dict[int, list[Step]]:
    """Of each campaign the steps of the version that runs."""
    published = Step.objects.filter(sequence_version__published_at__isnull=False)
    rows = published.filter(sequence_version__campaign__in=campaigns).select_related("sequence_version")
    found: dict[int, dict[int, list[Step]]] = {}
    for step in rows.order_by("sequence_version__number", "position"):
        version = step.sequence_version
        found.setdefault(version.campaign_id, {}).setdefault(version.number, []).append(step)
    return {pk: versions[max(versions)] for pk, versions in found.items()}


def _groups(campaigns: Sequence[Campaign], boxes: Boxes) -> list[list[Campaign]]:
    """Campaigns that share a mailbox, be it by way of others, wait for each other."""
    groups: list[list[Campaign]] = []
    for each in campaigns:
        mine = {box.pk for box in boxes[each.pk]}
        shared = [group for group in groups if any(mine & {box.pk for box in boxes[one.pk]} for one in group)]
        groups = [group for group in groups if group not in shared]
        groups.append([each, *(one for group in shared for one in group)])
    return groups


def _days_of_group(campaigns: Sequence[Campaign], boxes: Boxes, steps: dict[int, list[Step]], now: datetime) -> int:
    """What is left to send over the caps, and no less than the sequence takes by itself, or the daily limit of one
    campaign; closed weekdays stretch it.
    """
    today = now.astimezone(UTC).date()
    left, longest, open_days, limited = 0.0, 0, WEEK, 0
    for each in campaigns:
        count, mine = situation.standing(each), steps.get(each.pk, [])
        own = count.not_begun * len(mine) + (count.active - count.not_begun) * (len(mine) - 1) / 2
        left += own
        limited = max(limited, math.ceil(own / each.daily_limit)) if each.daily_limit else limited
        if count.not_begun:  # of those under way the last known says it
            longest = max(longest, (_through(mine, now, _place(each)).date() - now.date()).days)
        open_days = min([open_days, *(len(step.weekdays) for step in mine)])
    caps = {box.pk: box for each in campaigns for box in boxes[each.pk]}.values()
    together = scheduling.summed([box.cap_on for box in caps])
    sending = scheduling.days_to_send(math.ceil(left), cap_on=together, first=today, most=FORESEEABLE + 2)
    sending = max(sending, limited) - 1
    return max(math.ceil(sending * WEEK / open_days), longest, 0)
