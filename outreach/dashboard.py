"""Today: the state of things, what needs a person, what goes out."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from accounts.callers import caller
from campaigns import agenda, ahead, analytics, answers, needs, obstacles, situation, unfinished
from campaigns.analytics import Weeks
from campaigns.forecast import foretelling
from campaigns.models import Message
from campaigns.situation import Situation
from outreach import setup
from prospects import following_up

COMING = NEXT_STEPS = 6
A_WEEK = timedelta(days=6)  # a weekday alone says which day only this far ahead
WEEK_NAMES = {
    "sent": "Sent",
    "replied": "Answers",
    "positive": "Interested",
    "bounced": "Bounced",
    "unsubscribed": "Unsubscribed",
}
WORSE = ("bounced", "unsubscribed")  # more of these is worse


@dataclass(frozen=True)
class Change:
    """One number of the last seven days beside the seven before; `tone` says whether the change is welcome."""

    name: str
    now: int
    before: int
    tone: str

    @property
    def difference(self) -> str:
        """With its sign: "+3", "−2", "the same"."""
        more = self.now - self.before
        return f"{'+' if more > 0 else '−'}{abs(more):,}" if more else "the same"


def today(request: HttpRequest) -> HttpResponse:
    """The operator's first page."""
    return render(request, "shell/today.html", _context(request))


def today_live(request: HttpRequest) -> HttpResponse:
    """What changes on it: all."""
    return render(request, "shell/today_live.html", {**_context(request), "is_part": True})


def _context(request: HttpRequest) -> dict[str, Any]:
    now, day = timezone.now(), timezone.localdate()
    seen = situation.look()
    steps = following_up.due(today=day, by=caller(request), limit=NEXT_STEPS + 1)
    return {"follow_ups": steps, "follow_up_day": day, **_of_campaigns(seen, now)}


def _of_campaigns(seen: Situation, now: datetime) -> dict[str, Any]:
    if not (seen.campaigns or unfinished.any_launched()):
        return _before_the_first(seen, now)
    slots, due = agenda.upcoming(seen=seen), agenda.due_today(seen=seen, now=now)
    coming = ahead.soonest(ahead.of(seen=seen, campaigns=[] if slots else seen.running, now=now))
    return {
        "any": True,
        "control": seen.control,
        "now": now,
        "sent": sum(row.sent for row in due),
        "left": sum(row.left for row in due),
        "next": slots[0] if slots else None,
        "coming": coming[:COMING],
        "fresh": any(ahead.is_fresh(each, now=now) for each in seen.running),
        "next_city": _city(slots[0]) if slots else "",
        "done": _day(foretelling.done_about(seen=seen, now=now), now),
        "needs": needs.of(seen=seen, now=now),
        "answers": agenda.waiting_answers(),
        "kinds": answers.KINDS,
        "due": due,
        "several": len(seen.running) > 1,
        "slots": slots,
        "held": _held(seen),
        "weeks": _changes(analytics.weeks(today=now.astimezone(UTC).date())),
    }


def _before_the_first(seen: Situation, now: datetime) -> dict[str, Any]:
    """Nothing was launched yet: no numbers, but what to do next."""
    public = setup.address()
    undone = [step for step in setup.steps(public=public) if not step.done and not setup.may_wait(step, public)]
    return {
        "any": False,
        "control": seen.control,
        "needs": needs.of(seen=seen, now=now),
        "drafts": unfinished.drafts(),
        "undone": [step for step in undone if step.key != "campaign"],
    }


def _held(seen: Situation) -> list[obstacles.Obstacle]:
    """What is off altogether is left out: the head line says it."""
    found = [each for each in obstacles.holding(seen) if each.route not in ("sending-resume", "sending-settle")]
    return sorted(found, key=lambda each: -each.people)


def _city(message: Message) -> str:
    zone = message.prospect.time_zone
    return zone.rpartition("/")[2].replace("_", " ") if "/" in zone else ""


def _day(day: date | None, now: datetime) -> str:
    """A day as one says it today."""
    if day is None:
        return ""
    ahead = day - timezone.localtime(now).date()
    if ahead <= timedelta(0):
        return "today"
    return f"{day:%A}" if ahead <= A_WEEK else f"about {day.day} {day:%B}"


def _changes(weeks: Weeks) -> list[Change]:
    found = []
    for name, words in WEEK_NAMES.items():
        now, before = getattr(weeks.this, name), getattr(weeks.last, name)
        better = (now < before) if name in WORSE else (now > before)
        found.append(Change(words, now, before, "" if now == before or name == "sent" else "good" if better else "bad"))
    return found
