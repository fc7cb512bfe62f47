"""What holds a campaign up, and what would help, as one sentence. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from campaigns import scheduling
from campaigns.forecast import simulating
from campaigns.forecast.routes import Route
from campaigns.forecast.simulating import Short
from campaigns.scheduling import DAY
from integrations.models import Mailbox
from outreach.lib.words import counted

LITTLE = 2  # days that may be short of something without it being what holds a campaign up


@dataclass(frozen=True)
class Course:
    """How a campaign would go: from when, until when, who waits, and what else its mailboxes send meanwhile."""

    now: datetime
    ends_at: datetime | None
    people: int
    others: int  # messages of other campaigns
    route: Route | None  # of whoever gets the last message


def words(*, course: Course, mailboxes: Sequence[Mailbox], short: Mapping[int, Short]) -> str:
    """The limit that most days were short of while people waited for it; else how long the sequence itself takes."""
    if not course.people:
        return "Nobody is left to be written to."
    stopped = _standing_still(mailboxes, course.now)
    if stopped:
        return stopped
    box = max(mailboxes, key=lambda each: max(_days(short, each).values(), default=0))
    days = _days(short, box)
    worst = max(days, key=lambda each: days[each], default="")
    if not worst or days[worst] <= LITTLE:
        return _of_itself(course)
    return _limit(worst, box, course) + _beside(course)


def _days(short: Mapping[int, Short], mailbox: Mailbox) -> Mapping[str, int]:
    found = short.get(mailbox.pk)
    return found.days if found else {}


def _standing_still(mailboxes: Sequence[Mailbox], now: datetime) -> str:
    if not any(each.status == Mailbox.Status.ACTIVE for each in mailboxes):
        return "No mailbox of it is active: nothing leaves before one is resumed. The days count from now on."
    if not any(each.daily_cap for each in mailboxes):
        return "Its mailbox may send nothing: raise the daily cap."
    return ""


def _limit(what: str, box: Mailbox, course: Course) -> str:
    half = (
        f" With two such mailboxes it would end about {day_words(_sooner(course), course.now)}."
        if course.ends_at
        else ""
    )
    today = box.cap_on(course.now.astimezone(UTC).date())
    if what == simulating.SHARE:
        most = f"{box.domain_cap:,} a day to the addresses of one domain"
        return f"{box.name} sends no more than {most}, and many of the people are at the same one."
    if what == simulating.APART:
        return "Your rules, which keep mails to a person or to a site apart: on most days somebody waits for that."
    if what == simulating.LIMIT:
        return "The campaign's own daily limit."
    if what == simulating.ROOM:
        gap = f"{box.gap_seconds:,} seconds between two messages"
        return f"{box.name} leaves {gap}, and the hours of a day are full.{half}"
    if today < box.daily_cap:
        return f"The warm-up and then the cap of {box.name}: {today:,} a day now, up to {box.daily_cap:,} later.{half}"
    return f"The cap of {box.daily_cap:,} a day of {box.name}.{half}"


def _beside(course: Course) -> str:
    return f" Other campaigns send {course.others:,} from the same mailbox meanwhile." if course.others else ""


def _of_itself(course: Course) -> str:
    route = course.route
    if route is None or len(route.stages) < 2:
        return "Nothing: everybody gets a place within days."
    days = max(1, round((_end_of_one(route, course.now) - course.now) / DAY))
    return f"Nothing but the sequence itself, which takes {counted(days, 'day')} from its first step to its last."


def _sooner(course: Course) -> date:
    """With twice the slots it takes half the time, but no less than one person's way does."""
    assert course.ends_at is not None
    alone = _end_of_one(course.route, course.now) - course.now if course.route else timedelta(0)
    return (course.now + max(alone, (course.ends_at - course.now) / 2)).astimezone(UTC).date()


def _end_of_one(route: Route, now: datetime) -> datetime:
    """When somebody who begins now gets the last step, if there is room for every one of them."""
    at = now
    for stage in route.stages:
        due = at
        if stage.position > 1:
            due = scheduling.due_after(handed_over_at=at, delay=stage.delay, unit=stage.unit, place=route.place)
        at = scheduling.opens_after(stage.window, due)
    return at


def day_words(day: date, now: datetime) -> str:
    """A day as one says it: 12 January, with the year where it is another."""
    return f"{day.day} {day:%B}" if day.year == now.year else f"{day.day} {day:%B %Y}"
