"""What campaigns brought, from the counted numbers: never from the ledger: a page costs the same at any size."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import date, timedelta
from typing import Any

from django.db.models import Case, Exists, OuterRef, Q, Sum, When

from campaigns.models import Campaign, DailyCount, Step

DAY = timedelta(days=1)
WEEK = 7
MOST_DAYS = 90
RAN = Q(sequence_version__published_at__isnull=False) | Q(sequence_version__number=1)  # not what is being written


@dataclass(frozen=True)
class Numbers:
    """Messages by what became of them. `uncertain` are those we are not sure about."""

    sent: int = 0
    refused: int = 0
    uncertain: int = 0
    bounced: int = 0
    complained: int = 0
    clicked: int = 0
    replied: int = 0
    positive: int = 0
    unsubscribed: int = 0

    @property
    def tried(self) -> int:
        """What the shares of a step are of: a mail that the server refused at once was tried too."""
        return self.sent + self.refused

    def __add__(self, other: "Numbers") -> "Numbers":
        return Numbers(*(getattr(self, name) + getattr(other, name) for name in NAMES))


NAMES = [field.name for field in fields(Numbers)]


@dataclass(frozen=True)
class StepNumbers:
    """One step of a sequence with its numbers and with what it says, its variables as they were written."""

    position: int  # 0 of one that was removed
    subject: str
    numbers: Numbers
    text: str = ""
    was_first: bool = False  # now or in an earlier version: whoever got it was written to


@dataclass(frozen=True)
class Funnel:
    """From everybody in a campaign to those who said yes. What came back is a share of `written`, people."""

    enrolled: int
    written: int
    numbers: Numbers


@dataclass(frozen=True)
class Reached:
    """The people a campaign wrote to (its first step, also where the server refused it), and all its numbers."""

    written: int = 0
    numbers: Numbers = Numbers()


@dataclass(frozen=True)
class Weeks:
    """The last seven days (today is the last of them) and the seven before."""

    this: Numbers
    last: Numbers


def steps(*, campaign: Campaign) -> list[StepNumbers]:
    """The numbers of each step of the sequence that runs, in its order, then of steps that were removed since.

    Three queries.
    """
    counts = DailyCount.objects.filter(campaign=campaign).values("step_key").annotate(**_sums())
    found = {row["step_key"]: _numbers(row) for row in counts}
    published = Step.objects.filter(RAN, sequence_version__campaign=campaign)
    by_version: dict[int, dict[str, Step]] = {}
    for step in published.prefetch_related("arms__template_version").order_by("sequence_version__number", "position"):
        by_version.setdefault(step.sequence_version_id, {})[step.key] = step
    firsts = {next(iter(steps)) for steps in by_version.values()}
    runs = list(by_version.values())[-1] if by_version else {}
    gone = {key: step for steps in by_version.values() for key, step in steps.items() if key not in runs}
    rows = [_step_numbers(step, found.get(key, Numbers()), key in firsts) for key, step in runs.items()]
    removed = (_step_numbers(step, found[key], key in firsts) for key, step in gone.items() if key in found)
    return [*rows, *(replace(row, position=0) for row in removed)]


def _step_numbers(step: Step, numbers: Numbers, was_first: bool) -> StepNumbers:
    arm = next(iter(step.arms.all()), None)
    says = (arm.template_version.subject, arm.template_version.text) if arm else ("", "")
    return StepNumbers(step.position, says[0], numbers, says[1], was_first)


def funnel(*, enrolled: int, rows: Sequence[StepNumbers]) -> Funnel:
    """Who got a first step was written to; the rest adds up over the steps."""
    total = sum((row.numbers for row in rows), Numbers())
    return Funnel(enrolled=enrolled, written=sum(row.numbers.tried for row in rows if row.was_first), numbers=total)


def of_campaigns(campaign_ids: Iterable[int], *, day: date | None = None) -> dict[int, Numbers]:
    """The numbers of these campaigns, of all time or of one UTC day. One query."""
    counts = DailyCount.objects.filter(campaign__in=list(campaign_ids))
    counts = counts if day is None else counts.filter(day=day)
    return {row["campaign"]: _numbers(row) for row in counts.values("campaign").annotate(**_sums())}


def reached(campaign_ids: Iterable[int]) -> dict[int, Reached]:
    """Of these campaigns whom they reached and what came of it, of all time. One query."""
    firsts = Step.objects.filter(
        RAN, position=1, key=OuterRef("step_key"), sequence_version__campaign=OuterRef("campaign")
    )
    counts = DailyCount.objects.filter(campaign__in=list(campaign_ids)).values("campaign", "step_key")
    rows = counts.annotate(was_first=Exists(firsts), **_sums())
    found: dict[int, Reached] = {}
    for row in rows:
        before, numbers = found.get(row["campaign"], Reached()), _numbers(row)
        written = before.written + (numbers.tried if row["was_first"] else 0)
        found[row["campaign"]] = Reached(written, before.numbers + numbers)
    return found


def days(*, campaign: Campaign, today: date) -> list[tuple[date, Numbers]]:
    """Day by day from the first on which anything happened to today, at most 90; days without anything are zeros."""
    counts = DailyCount.objects.filter(campaign=campaign, day__gt=today - MOST_DAYS * DAY, day__lte=today)
    found = {row["day"]: _numbers(row) for row in counts.values("day").annotate(**_sums())}
    first = min(found, default=today)
    return [(first + n * DAY, found.get(first + n * DAY, Numbers())) for n in range((today - first).days + 1)]


def weeks(*, today: date) -> Weeks:
    """The last seven days against the seven before, over all campaigns. One query."""
    this = Q(day__gt=today - WEEK * DAY)
    counts = DailyCount.objects.filter(day__gt=today - 2 * WEEK * DAY, day__lte=today)
    sides = counts.annotate(is_this=Case(When(this, then=True), default=False)).values("is_this").annotate(**_sums())
    found = {row["is_this"]: _numbers(row) for row in sides}
    return Weeks(this=found.get(True, Numbers()), last=found.get(False, Numbers()))


def _numbers(row: Mapping[str, Any]) -> Numbers:
    return Numbers(*(row[name] for name in NAMES))


def _sums() -> dict[str, Sum]:
    return {name: Sum(name, default=0) for name in NAMES}
