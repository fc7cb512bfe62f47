"""The people of a campaign by where they stand: the tabs, their counts, and the rows behind each."""

from dataclasses import dataclass

from django.db.models import Exists, OuterRef, Q, QuerySet

from campaigns import wording
from campaigns.models import Campaign, CampaignCount, Enrollment, Event, Reply
from integrations.ports import ReplyClass

EVERYBODY = ""
NOT_BEGUN = "not_begun"
ACTIVE, FINISHED, STOPPED = Enrollment.State.ACTIVE, Enrollment.State.FINISHED, Enrollment.State.STOPPED

NAMES = {
    "joined": "Joined",
    "positive_reply": "Interested",
    "replied": "Answered",
    "unsubscribed": "Unsubscribed",
    "bounced": "Bounced",
    "complained": "Complained",
    "suppressed": "Suppressed",
    "person_stopped": "Stopped by us",
    "site_stopped": "Site stopped by us",
    "taken_out": "Taken out by us",
    "manual": "Stopped by us",
    "refused": "Refused",
    "gave_up": "Not taken in four days",
    "no_address": "No address",
    "same_recipient": "Same address twice",
    "cannot_compose": "Could not be written",
    "uncertain": "Never found out",
    "left": "Left",
}
HEARD = {  # what was heard of somebody at any time, also after the last step: the funnel's numbers open these
    "heard-replied": ("Answered at any time", Q(kind=Event.Kind.REPLIED)),
    "heard-positive": ("Interested", Q(pk__in=Reply.objects.filter(reply_class=ReplyClass.POSITIVE).values("event"))),
    "heard-bounced": ("Bounced at any time", Q(kind=Event.Kind.BOUNCED) & ~Q(detail__permanent=False)),
    "heard-unsubscribed": ("Unsubscribed at any time", Q(kind=Event.Kind.UNSUBSCRIBED)),
}


@dataclass(frozen=True)
class Tab:
    """One way to stand; `people` is how many did when last counted, None where that is not counted."""

    standing: str
    name: str
    people: int | None


def name_of(reason: str) -> str:
    """A stop reason as a short name."""
    words = wording.words(reason)
    return NAMES.get(reason) or words[:1].upper() + words[1:]


def tabs(count: CampaignCount, *, standing: str = EVERYBODY) -> list[Tab]:
    """Everybody, then each way to stand that somebody does; one of HEARD only while it is looked at."""
    ends = sorted(count.stopped.items(), key=lambda item: -item[1])
    found = [
        Tab(NOT_BEGUN, "Not written to yet", count.not_begun),
        Tab(ACTIVE, "Under way", count.active - count.not_begun),
        Tab(FINISHED, "Got every step", count.finished),
        *(Tab(reason, name_of(reason), people) for reason, people in ends),
    ]
    heard = [Tab(standing, HEARD[standing][0], None)] if standing in HEARD else []
    return [Tab(EVERYBODY, "Everybody", count.enrolled), *(tab for tab in found if tab.people), *heard]


def people(*, campaign: Campaign, standing: str) -> QuerySet[Enrollment]:
    """The enrollments that stand so, with person and campaign: along an index, whatever the campaign's size."""
    rows = Enrollment.objects.filter(campaign=campaign).select_related("prospect", "campaign")
    if standing == EVERYBODY:
        return rows
    if standing == NOT_BEGUN:
        return rows.filter(state=ACTIVE, stop_reason="", steps_handed_over=0)
    if standing == ACTIVE:
        return rows.filter(state=ACTIVE, stop_reason="", steps_handed_over__gt=0)
    if standing == FINISHED:
        return rows.filter(state=FINISHED, stop_reason="")
    if standing in HEARD:
        return rows.filter(Exists(Event.objects.filter(HEARD[standing][1], enrollment=OuterRef("pk"))))
    return rows.filter(state__in=(STOPPED, FINISHED), stop_reason=standing)


def words(enrollment: Enrollment, *, steps: int) -> str:
    """Where this person stands, in a sentence."""
    if enrollment.state == STOPPED:
        why = wording.words(enrollment.stop_reason)
        return f"Ended after {_steps(enrollment.steps_handed_over, steps)}: {why}"
    if enrollment.state == FINISHED:
        return NAMES.get(enrollment.stop_reason, "Finished") if enrollment.stop_reason else "Got every step"
    if not enrollment.steps_handed_over:
        return "Not written to yet"
    return f"Got {_steps(enrollment.steps_handed_over, steps)}"


def _steps(got: int, steps: int) -> str:
    return f"{got} of {steps} {'step' if steps == 1 else 'steps'}"
