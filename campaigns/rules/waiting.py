"""Who of an audience the rules over all campaigns let wait, as conditions: how the sum foretells the planner."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db.models import Case, IntegerField, Q, QuerySet, Value, When
from django.db.models.expressions import RawSQL

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
        found["busy"] = _busy(campaign, by_site=apart.exclusive_site)
    touched = Q(pk=None)
    if apart.person:
        touched |= Q(pk__in=_among(_TOUCHES, _asked(campaign, now - apart.person)))
    if apart.site:
        touched |= _colleague_touched(campaign, now - apart.site)
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


def _among(statement: str, values: Sequence[Any]) -> RawSQL:
    """What the statement finds. An array, for the planner's sake: it takes ids that it expects to be few into a hash
    table, and would go through very many of them once for each person.
    """
    found = f"SELECT unnest(ARRAY({statement}))"
    return RawSQL(found, values)  # noqa: S611


# Who has begun a way elsewhere: a message was handed over, or one is open.
_BEGUN = """
SELECT {what} FROM campaigns_enrollment e
  JOIN campaigns_campaign k ON k.id = e.campaign_id
  {with_site}
 WHERE e.state = 'active' AND (e.steps_handed_over > 0 OR e.look_at IS NULL) AND e.campaign_id <> %s
   AND k.rehearsal_of_id IS NULL AND k.state IN ('running', 'paused')
"""
_SITES_BEGUN = _BEGUN.format(
    what="DISTINCT q.site_id", with_site="JOIN prospects_prospect q ON q.id = e.prospect_id AND q.site_id IS NOT NULL"
)
_PEOPLE_BEGUN = _BEGUN.format(what="e.prospect_id", with_site="")
# As `touched` has it; read by its moment, so that what is long past costs nothing.
_TOUCHES = """
SELECT t.prospect_id FROM (
    SELECT m.prospect_id, m.campaign_id FROM campaigns_message m
     WHERE m.state = 'planned' AND m.overdue_at IS NULL AND m.send_at > %s
    UNION ALL
    SELECT m.prospect_id, m.campaign_id FROM campaigns_message m
     WHERE m.state = ANY(%s) AND m.handed_over_at > %s) t
  JOIN campaigns_campaign k ON k.id = t.campaign_id
 WHERE k.rehearsal_of_id IS NULL
   AND (%s OR NOT k.is_demo OR t.prospect_id IN (SELECT d.id FROM prospects_prospect d WHERE d.is_demo))
"""
_AT_SITES = f"""
  FROM ({_TOUCHES}) t JOIN prospects_prospect q ON q.id = t.prospect_id AND q.site_id IS NOT NULL GROUP BY q.site_id
"""
_SITES_TOUCHED = f"SELECT q.site_id {_AT_SITES}"
_ALONE_TOUCHED = f"SELECT min(q.id) {_AT_SITES} HAVING min(q.id) = max(q.id)"


def _busy(campaign: Campaign, *, by_site: bool) -> Q:
    people = Q(pk__in=_among(_PEOPLE_BEGUN, [campaign.pk]))
    return Q(site__in=_among(_SITES_BEGUN, [campaign.pk])) | Q(people, site=None) if by_site else people


def _colleague_touched(campaign: Campaign, since: datetime) -> Q:
    """Whoever is not the only one of their site who was written to."""
    asked = _asked(campaign, since)
    return Q(site__in=_among(_SITES_TOUCHED, asked)) & ~Q(pk__in=_among(_ALONE_TOUCHED, asked))


def _asked(campaign: Campaign, since: datetime) -> list[Any]:
    return [since, list(Message.BEGUN), since, campaign.is_demo]
