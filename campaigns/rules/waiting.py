"""Who of an audience the rules over all campaigns let wait, as conditions: how the sum foretells the planner."""

from datetime import datetime
from typing import Any

from django.db.models import Case, Count, IntegerField, Q, QuerySet, Value, When

from campaigns.models import Campaign, Enrollment, Message
from campaigns.rules import ruling
from prospects.models import Prospect

UNDER_WAY = (Campaign.State.RUNNING, Campaign.State.PAUSED)
# As `lining_up.RANK` has it.
_RANK: tuple[Any, ...] = (
    Case(When(address_kind="", then=Value(0)), When(address_kind="role", then=Value(2)), default=Value(4)),
    Case(When(~Q(first_name="") & ~Q(last_name=""), then=Value(0)), default=Value(1), output_field=IntegerField()),
)


def reasons(campaign: Campaign, *, now: datetime) -> dict[str, Q]:
    """Why somebody who comes in now waits, by a rule that is set. One query, for the rules."""
    apart, found = ruling.apart(), {}
    if apart.is_exclusive:
        ways = _begun_elsewhere(campaign)
        found["busy"] = Q(pk__in=ways.values("prospect"))
        if apart.exclusive_site:
            found["busy"] |= Q(site__in=ways.exclude(prospect__site=None).values("prospect__site"))
    touched = Q(pk=None)
    if apart.person:
        touched |= Q(pk__in=_touches(campaign, now - apart.person).values("prospect"))
    if apart.site:
        touched |= _colleague_touched(_touches(campaign, now - apart.site).exclude(prospect__site=None))
    if apart.after_answer:
        touched |= Q(site__answered_at__gt=now - apart.after_answer)
    if touched != Q(pk=None):
        found["touched"] = touched
    if campaign.one_per_site:
        here = Enrollment.objects.filter(campaign=campaign, state=Enrollment.State.ACTIVE)
        found["same-site"] = Q(site__in=here.exclude(prospect__site=None).values("prospect__site"))
    return found


def first_of_sites(people: QuerySet[Prospect]) -> QuerySet[Prospect]:
    """Of these, the first of each site; whoever has no site is not among them."""
    ranked = people.exclude(site=None).annotate(kind_rank=_RANK[0], name_rank=_RANK[1])
    return ranked.order_by("site", "kind_rank", "name_rank", "pk").distinct("site")


def _begun_elsewhere(campaign: Campaign) -> QuerySet[Enrollment]:
    begun = Q(steps_handed_over__gt=0) | Q(look_at=None)  # a message is open
    active = Enrollment.objects.filter(begun, state=Enrollment.State.ACTIVE).exclude(campaign=campaign)
    return active.filter(campaign__rehearsal_of=None, campaign__state__in=UNDER_WAY)


def _colleague_touched(touches: QuerySet[Message]) -> Q:
    """Whoever is not the only one of their site who was written to."""
    several = touches.order_by().values("prospect__site").annotate(people=Count("prospect", distinct=True))
    crowded = several.filter(people__gt=1).values("prospect__site")
    others = ~Q(pk__in=touches.values("prospect")) | Q(site__in=crowded)
    return Q(site__in=touches.values("prospect__site")) & others


def _touches(campaign: Campaign, since: datetime) -> QuerySet[Message]:
    """As `touched` has it."""
    real = Message.objects.filter(campaign__rehearsal_of=None)
    if not campaign.is_demo:
        real = real.filter(Q(campaign__is_demo=False) | Q(prospect__is_demo=True))
    planned = Q(state=Message.State.PLANNED, send_at__gt=since, overdue_at=None)
    return real.filter(planned | Q(state__in=Message.BEGUN, handed_over_at__gt=since))
