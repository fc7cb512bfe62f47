"""Which campaigns people can enter by hand, and in words why the others are not for them."""

from collections.abc import Sequence

from django.db.models import Count, QuerySet

from campaigns import enrolling, reentering
from campaigns.models import Campaign, Enrollment
from outreach.lib.words import people
from prospects import suppression
from prospects.models import Prospect


def launched() -> QuerySet[Campaign]:
    """The campaigns that take people: running or paused, no rehearsals."""
    states = (Campaign.State.RUNNING, Campaign.State.PAUSED)
    return Campaign.objects.filter(rehearsal_of=None, state__in=states)


def open_to(*, prospect_ids: Sequence[int]) -> QuerySet[Campaign]:
    """The launched campaigns that at least one of these (few) people is not in, or may be put back into."""
    inside = Enrollment.objects.filter(prospect__in=prospect_ids, campaign__in=launched())
    full = dict(inside.values_list("campaign").annotate(n=Count("pk")))
    for pk in reentering.may_re_enter().filter(prospect__in=prospect_ids).values_list("campaign", flat=True):
        full[pk] -= 1
    return launched().exclude(pk__in=[pk for pk, n in full.items() if n >= len(prospect_ids)])


def nowhere(*, prospect_ids: Sequence[int]) -> str:
    """Why none of these (few) people can enter any campaign, as a sentence; "" when somebody can."""
    chosen = Prospect.objects.filter(pk__in=prospect_ids)
    they = str(chosen.first()) if len(prospect_ids) == 1 else f"None of these {people(len(prospect_ids))}"
    if not launched().exists():
        return "There is no launched campaign to enrol anybody in: launch one first."
    if not chosen.exclude(email="").exists():
        return f"{they} has {'no' if len(prospect_ids) == 1 else 'an'} address to write to."
    free = chosen.exclude(email="").filter(stopped_at=None, erased_at=None).exclude(site__stopped_at__isnull=False)
    if not suppression.without_suppressed(free).exists():
        return f"{they} {'must not' if len(prospect_ids) == 1 else 'may'} be written to: their pages say why."
    if not open_to(prospect_ids=prospect_ids).exists():
        who = f"{they} is" if len(prospect_ids) == 1 else "All of them are"
        return f"{who} in every launched campaign already, or was in it: nobody enters one twice."
    return ""


def left_out(*, campaign: Campaign, prospect_ids: Sequence[int]) -> str:
    """Why these people can't enter this campaign, as the end of a sentence; "" when all can."""
    chosen = Prospect.objects.filter(pk__in=prospect_ids)
    inside = Enrollment.objects.filter(campaign=campaign, prospect__in=prospect_ids)
    stay = inside.exclude(pk__in=reentering.may_re_enter(campaign=campaign).values("pk"))
    others = chosen.exclude(pk__in=stay.values("prospect"))
    free = others.exclude(email="")
    reached = enrolling.reachable(campaign=campaign, prospects=free).count()
    counts = {
        "in it already": stay.count(),
        "without an address": others.filter(email="").count(),
        "not to be written to": free.count() - reached,
    }
    return ", ".join(f"{number:,} {words}" for words, number in counts.items() if number > 0)
