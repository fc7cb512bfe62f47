"""Who is under way from a mailbox, or would be after a launch, as the simulation takes them: few queries, no models."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import Case, CharField, Exists, F, OuterRef, Q, QuerySet, Value, When

from campaigns import advancing, conditions, enrolling, facts, goals, senders
from campaigns.calendars import CampaignDays, Somebody, place_of
from campaigns.deciding import CONTACTED_LATELY
from campaigns.forecast import surroundings
from campaigns.forecast.neighbours import Known
from campaigns.forecast.routes import Route, Stage, Way
from campaigns.models import Campaign, Enrollment, Message, SequenceVersion
from campaigns.rules import ruling
from campaigns.scheduling import window_of
from integrations.models import Mailbox
from prospects import segments
from prospects.models import Prospect
from templates.models import Channel

Row = tuple[Any, ...]

LATER = 2**40  # the turn of people who are not enrolled yet: after everybody who is
MOST = 200_000  # people that are followed one by one

_DOMAIN = "CASE WHEN b.domain_cap IS NULL THEN '' ELSE lower(substring(p.email FROM '[^@]*$')) END"
_WAITS = """(p.held_at IS NOT NULL OR p.protected_at IS NOT NULL OR t.held_at IS NOT NULL OR t.protected_at IS NOT NULL
    OR p.stopped_at IS NOT NULL OR t.stopped_at IS NOT NULL OR p.person_id IS NOT NULL OR p.email = ''
    OR (p.is_demo AND NOT b.is_demo))"""
_BATCHED = "c.first_batch IS NOT NULL AND c.released_at IS NULL AND e.steps_handed_over = 0"  # as if let go now
_UNDER_WAY = f"""
SELECT e.id, e.prospect_id, e.campaign_id, e.mailbox_id, e.sequence_version_id, e.next_step_key, p.time_zone, p.country,
       {_DOMAIN}, {_WAITS}, e.steps_handed_over > 0, e.due_at,
       CASE WHEN {_BATCHED} THEN least(e.look_at, %(now)s) ELSE e.look_at END, NULL::timestamptz,
       CASE WHEN e.steps_handed_over = 0 THEN p.contacted_elsewhere_at END, p.site_id
  FROM campaigns_enrollment e
  JOIN campaigns_campaign c ON c.id = e.campaign_id AND c.rehearsal_of_id IS NULL AND (c.state = 'running' OR c.id = %(id)s)
  JOIN integrations_mailbox b ON b.id = e.mailbox_id
  JOIN prospects_prospect p ON p.id = e.prospect_id
  LEFT JOIN prospects_site t ON t.id = p.site_id
 WHERE e.mailbox_id = ANY(%(boxes)s) AND e.look_at IS NOT NULL AND NOT {goals.HAS_JOINED}
 LIMIT %(most)s
"""  # noqa: S608, E501
_PLANNED = f"""
SELECT e.id, e.prospect_id, e.campaign_id, e.mailbox_id, e.sequence_version_id, e.next_step_key, p.time_zone, p.country,
       {_DOMAIN}, {_WAITS} OR m.overdue_at IS NOT NULL, e.steps_handed_over > 0, e.due_at,
       coalesce(m.send_at, m.planned_at), m.send_at, NULL, p.site_id
  FROM campaigns_message m
  JOIN campaigns_enrollment e ON e.id = m.enrollment_id AND e.state = 'active' AND e.next_step_key = m.step_key
  JOIN campaigns_campaign c ON c.id = e.campaign_id AND c.rehearsal_of_id IS NULL AND (c.state = 'running' OR c.id = %(id)s)
  JOIN integrations_mailbox b ON b.id = e.mailbox_id
  JOIN prospects_prospect p ON p.id = e.prospect_id
  LEFT JOIN prospects_site t ON t.id = p.site_id
 WHERE m.state = 'planned' AND m.mailbox_id = ANY(%(boxes)s) AND NOT {goals.HAS_JOINED}
 LIMIT %(most)s
"""  # noqa: S608, E501


@dataclass
class Loaded:
    """`ways` to simulate, and what is `known` of their neighbours; of the campaign asked about, how many those are and
    how many wait until somebody does something.
    """

    ways: list[Way] = field(default_factory=list)
    known: Known = field(default_factory=Known)
    people: int = 0
    waiting: int = 0
    is_cut: bool = False
    waits_for_people: bool = False
    has_conditions: bool = False

    def again(self) -> tuple[list[Way], Known]:
        """The same ways and neighbours, for one more simulation."""
        copies = {id(way): way.again() for way in self.ways}
        lines = {line: [copies[id(way)] for way in behind] for line, behind in self.known.lines.items()}
        return list(copies.values()), Known(self.known.touches.copied(), self.known.answered, lines)


def mailboxes_of(campaign: Campaign) -> list[Mailbox]:
    """Those that the campaign sends from, and those that its people are still with."""
    kept = Enrollment.objects.filter(campaign=campaign, state=Enrollment.State.ACTIVE).values("mailbox").distinct()
    known = senders.of(campaign)
    return [*known, *Mailbox.objects.filter(pk__in=kept).exclude(pk__in=[each.pk for each in known])]


def load(*, campaign: Campaign, mailboxes: Sequence[Mailbox], now: datetime) -> Loaded:
    """Everybody under way from these mailboxes in running campaigns and in this one, and whom a launch would add.

    At most MOST and as many again who have a slot.
    """
    found = Loaded()
    boxes = [each.pk for each in mailboxes]
    asked: dict[str, Any] = {"id": campaign.pk, "boxes": boxes, "most": MOST, "now": now}
    rows: list[Row] = []
    with connection.cursor() as cursor:
        for statement in (_UNDER_WAY, _PLANNED):
            cursor.execute(statement, asked)
            rows += cursor.fetchall()
    if campaign.state == Campaign.State.DRAFT:
        rows += _would_be_enrolled(campaign, now)
    found.is_cut = len(rows) >= MOST
    routes = _Routes(rows, now)
    ways = [(way, row[9] or way.is_ruled_out) for row in rows if (way := routes.way(row)) is not None]
    lined = surroundings.line_up((way for way, _ in ways), waiting={way.turn for way, waits in ways if waits})
    for way, waits in ways:
        if way.turn in lined.over:
            continue
        is_ours, waits = way.route.campaign_id == campaign.pk, waits or way.turn in lined.kept
        found.people += is_ours and not waits
        found.waiting += is_ours and waits
        if not waits:
            found.ways.append(way)
    found.known = surroundings.known(found.ways, lines=lined.lines)
    stages = [stage for route in routes.of(campaign) for stage in route.stages]
    found.waits_for_people = any(stage.is_task or stage.needs_approval for stage in stages)
    found.has_conditions = any(stage.has_condition for stage in stages)
    return found


def are_at_most(most: int, *, campaign: Campaign, now: datetime) -> bool:
    """Whether so few people are under way from the campaign's mailboxes, those included whom a launch would add."""
    boxes = [each.pk for each in mailboxes_of(campaign)]
    active = Enrollment.objects.filter(mailbox__in=boxes, look_at__isnull=False)
    planned = Message.objects.filter(mailbox__in=boxes, state=Message.State.PLANNED)
    count = len(active.values("pk")[: most + 1]) + len(planned.values("pk")[: most + 1])
    if campaign.state == Campaign.State.DRAFT and count <= most:
        count += len(segments.members(segment=campaign.segment, now=now).order_by().values("pk")[: most + 1])
    return count <= most


def _would_be_enrolled(campaign: Campaign, now: datetime) -> Iterator[Row]:
    version = campaign.current_version()
    first = version.steps.order_by("position").values_list("key", flat=True).first()
    if first is None:
        return
    members = segments.members(segment=campaign.segment, now=now)
    people = enrolling.reachable(campaign=campaign, prospects=members).filter(
        ~Exists(Enrollment.objects.filter(campaign=campaign, prospect=OuterRef("pk")))
    )
    waits = Q(held_at__isnull=False) | Q(protected_at__isnull=False)
    waits |= Q(site__held_at__isnull=False) | Q(site__protected_at__isnull=False)
    address = (
        Value("", output_field=CharField()) if not any(box.domain_cap for box in senders.of(campaign)) else F("email")
    )
    people = people.annotate(address=address, waits=Case(When(waits, then=True), default=False)).order_by("pk")
    boxes = _shared_out(campaign, people, now)
    same = (version.pk, first)
    names = ("pk", "time_zone", "country", "address", "waits", "contacted_elsewhere_at", "site_id")
    for pk, zone, country, email, held, contacted, site in people.values_list(*names)[:MOST].iterator(10_000):
        place = (zone, country, facts.domain_of(email))
        yield (LATER + pk, pk, campaign.pk, boxes[pk], *same, *place, held, False, now, now, None, contacted, site)


def _shared_out(campaign: Campaign, people: QuerySet[Prospect], now: datetime) -> dict[int, int]:
    """By person the mailbox that enrolling would give them."""
    ids = list(people.values_list("pk", flat=True)[:MOST])
    boxes = senders.taking(senders.of(campaign)) or [campaign.mailbox]
    if len(boxes) == 1:
        return dict.fromkeys(ids, boxes[0].pk)
    statement = f"SELECT who.id, {senders.CHOSEN.format(person='who.id')} FROM unnest(%(ids)s::bigint[]) AS who(id)"  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(statement, {**senders.weights(boxes, now=now), "ids": ids})
        return dict(cursor.fetchall())


class _Routes:
    """The routes that these rows take, each made once."""

    def __init__(self, rows: Sequence[Row], now: datetime) -> None:
        self._now = now
        self._steps = advancing.sequences(row[4] for row in rows)
        self._places = {pk: {step.key: n for n, step in enumerate(steps)} for pk, steps in self._steps.items()}
        days = ("pk", "campaign__name", "campaign__time_zone", "campaign__skip_holidays", "campaign__quiet_dates")
        found = list(SequenceVersion.objects.filter(pk__in=self._steps).values_list(*days))
        self._names = {pk: name for pk, name, *_ in found}
        self._days = {pk: CampaignDays(*rest) for pk, _, *rest in found}
        self._country_rules = {each.country: each.rule for each in ruling.countries()}
        self._unmet = self._left_out(rows)
        self._made: dict[tuple[Any, ...], Route] = {}

    def _left_out(self, rows: Sequence[Row]) -> dict[int, frozenset[int]]:
        """By step with a condition, who does not meet it as things are now."""
        found = {}
        for version, steps in self._steps.items():
            for step in (each for each in steps if each.condition):
                people = {row[1] for row in rows if row[4] == version}
                unmet, unreadable = conditions.unmet([(pk, pk, step.condition) for pk in people], now=self._now)
                found[step.pk] = frozenset(unmet | unreadable)
        return found

    def of(self, campaign: Campaign) -> list[Route]:
        """Those of one campaign."""
        return [route for route in self._made.values() if route.campaign_id == campaign.pk]

    def way(self, row: Row) -> Way | None:
        """None when there is no such step."""
        turn, person, campaign, mailbox, version, key, zone, country, domain, _, is_follow_up, *rest = row
        due_at, look_at, planned_at, contacted_at, site = rest
        stage = self._places.get(version, {}).get(key)
        if stage is None:
            return None
        known = (campaign, mailbox, version, zone, country)
        route = self._made.get(known) or self._made.setdefault(known, self._route(*known))
        if planned_at is not None:
            planned_at = max(planned_at, self._now)
        if contacted_at is not None and contacted_at + CONTACTED_LATELY <= self._now:
            contacted_at = None
        times = (due_at, look_at, domain, contacted_at, planned_at)
        return Way(turn, person, route, stage, *times, is_follow_up, site)

    def _route(self, campaign: int, mailbox: int, version: int, zone: str, country: str) -> Route:
        place = place_of(Somebody(zone, country), self._days[version])
        stages = (
            Stage(
                position=step.position,
                window=window_of(step, place),
                delay=step.delay,
                unit=step.delay_unit,
                has_condition=bool(step.condition),
                unmet=self._unmet.get(step.pk, frozenset()),
                is_task=step.channel == Channel.TASK,
                needs_approval=step.needs_approval,
            )
            for step in self._steps[version]
        )
        rule = self._country_rules.get(country, "")
        return Route(campaign, mailbox, place, tuple(stages), self._names[version], rule)
